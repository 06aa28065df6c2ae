  // Declares coefficients, and the effects' standard scores: W of them in joint, and rest.
  vector[P + W] joint = joint_scale * joint_raw;
  vector[P] moved = head(joint, P);
  vector[T - W] rest = rest_scale .* rest_raw;
  if (n_given > 0)
    rest += csr_matrix_times_vector(T - W, P + W, given_w, given_v, given_u, joint);
  {
    vector[P] beta = beta_location + moved;
    int normals = n_prior[1] + n_prior[2];
    if (n_prior[2] > 0) {
      array[n_prior[2]] int at = prior_of[(n_prior[1] + 1):normals];
      target += normal_lpdf(beta[at] | beta_prior_p[at, 1], beta_prior_p[at, 2]);
    }
    if (n_prior[3] > 0) {
      array[n_prior[3]] int at = prior_of[(normals + 1):(normals + n_prior[3])];
      target += student_t_lpdf(beta[at] | beta_prior_p[at, 1], beta_prior_p[at, 2],
                               beta_prior_p[at, 3]);
    }
    if (n_prior[4] > 0) {
      array[n_prior[4]] int at = prior_of[(normals + n_prior[3] + 1):P];
      target += cauchy_lpdf(beta[at] | beta_prior_p[at, 1], beta_prior_p[at, 2]);
    }
  }
