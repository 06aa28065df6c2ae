  // Declares coefficients and sampled effects.
  vector[P + W] joint = joint_scale * joint_raw;
  vector[P] beta = beta_location + head(joint, P);
  vector[T] effect = effect_location;                // term by term, by column
  if (T > W) {
    vector[T - W] rest = csr_matrix_times_vector(
      T - W, P + T, rest_w, rest_v, rest_u, append_row(joint, rest_raw));
    effect += append_row(tail(joint, W), rest)[place];
  } else if (T > 0) {
    effect += tail(joint, W)[place];
  }
  target += priors_lpdf(beta | beta_prior, beta_prior_p);
