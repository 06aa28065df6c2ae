  // Declares sds and auxiliary parameters, and adds their priors and Jacobians to target. An sd near
  // zero has a long tail on the log scale, and none above: a hyperbola has one slope for either side.
  vector[Q] arc = sqrt(1 + square(sd_raw));
  vector[Q] log_sd = log_sd_location + log_sd_scale .* sd_raw + log_sd_bend .* arc;
  vector[Q] sd = exp(log_sd);
  vector[A] log_aux = log_aux_location + log_aux_scale .* aux_raw;
  vector[A] aux = exp(log_aux);
  target += priors_lpdf(sd | sd_prior, sd_prior_p) + sum(log_sd);
  target += sum(log(log_sd_scale + log_sd_bend .* sd_raw ./ arc));
  target += priors_lpdf(aux | aux_prior, aux_prior_p) + sum(log_aux);
