  // Declares coefficients, and the effects' standard scores: W of them in joint, and rest.
  vector[P + W] unit = joint_raw;
  if (n_stretched > 0) {
    vector[n_stretched] stretch = sqrt(stretch_base + stretch_slope * square(sd));
    unit[1:n_stretched] = joint_raw[1:n_stretched] .* stretch;
    target += sum(log(stretch));
  }
  vector[T - W] rest = rest_scale .* rest_raw;
  vector[drifting ? P + T : 0] shifted;
  if (drifting) {
    vector[Q] along = (square(sd) - square(drift_at)) ./ (square(sd) + square(drift_at));
    vector[P + T] wider = widening * along;
    shifted = shift * along;
    unit .*= exp(head(wider, P + W));
    rest .*= exp(segment(wider, P + W + 1, T - W));
    target += sum(wider);
  }
  vector[P + W] joint;
  if (n_dense > 0) {
    joint = joint_scale * unit;
  } else {
    joint = own_scale .* unit;
    if (n_axes > 0) joint += onto_axes * (along_axes * unit);
  }
  if (n_given > 0)
    rest += csr_matrix_times_vector(T - W, P + W, given_w, given_v, given_u, joint);
  if (drifting) {
    joint += head(shifted, P + W);
    rest += segment(shifted, P + W + 1, T - W);
  }
  vector[P] moved = head(joint, P);
  {
    vector[P] beta = beta_location + moved;
    if (normal_alone) {                              // as they are, unless a user says otherwise
      target += normal_lpdf(beta | prior_mean, prior_sd);
    } else {                                         // a sum: an element would part beta, and all before
      for (p in 1:P)
        target += prior_lpdf(sum(segment(beta, p, 1)) | beta_prior[p], beta_prior_p[p]);
    }
  }
