  // As parameters.stan has them, but for what follows the noise: see conditional.stan.
  vector[P + W] joint_x;
  vector[Q] sd_raw;
  vector[n_corr] corr_raw;
  vector[T - W] rest_x;
  vector[A] aux_raw;
