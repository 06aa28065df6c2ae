  // Declares sds, correlations' factors and auxiliary parameters, and adds their priors and Jacobians to target. An sd near
  // zero has a long tail on the log scale, and none above: a hyperbola has one slope for either side.
  // (They are few: numbers one by one cost less than vectors.)
  vector[1 + n_factor] correlations
    = correlation_factors(corr_location + corr_scale .* corr_raw, q, correlated, lkj);
  vector[n_factor] corr_factor = correlations[2:(1 + n_factor)];
  target += correlations[1] + lkj_constant;
  vector[Q] sd;
  vector[A] aux;
  vector[A] free_aux;
  vector[N] column_sd;
  array[n_profile] real profile_power;               // of what all else is a polynomial
  for (j in 1:n_profile) {
    if (j == 1) profile_power[j] = 1;
    else profile_power[j] = profile_power[j - 1] * tanh(0.25 * aux_raw[profiled]);
  }
  for (k in 1:Q) {
    real x = sd_raw[k];
    if (sds_correlated) {
      x *= sd_correlation_root[k, k];
      for (l in 1:(k - 1)) x += sd_correlation_root[k, l] * sd_raw[l];
    }
    real arc = sqrt(1 + square(x));
    real log_sd = log_sd_location[k] + log_sd_scale[k] * x + log_sd_skew[k] * arc;
    for (j in 1:n_profile) log_sd += profile_log_sd[k, j] * profile_power[j];
    sd[k] = exp(log_sd);
    target += prior_lpdf(sd[k] | sd_prior[k], sd_prior_p[k]) + log_sd
              + log(log_sd_scale[k] + log_sd_skew[k] * x / arc);
  }
  column_sd = sds_of_columns(sd, sd_of, length_of, frequency);
  for (back in 1:A) {
    int a = A + 1 - back;                            // nu before sigma
    real along = aux_raw[a];
    if (aux_taper[a] > 0) {                          // short tails (winstan/approximation/student.py)
      along = asinh(aux_taper[a] * along) / aux_taper[a];
      target += -0.5 * log1p(square(aux_taper[a] * aux_raw[a]));
    }
    real moved_by = aux_scale[a] * along;
    if (aux_skew[a] != 0) {                          // a long tail (winstan/approximation/auxiliary.py)
      real x = 3 * (along - aux_knot[a]);
      moved_by += aux_skew[a] / 3 * log1p_exp(-x);
      target += log1p(0.5 * aux_skew[a] / aux_scale[a] * (tanh(0.5 * x) - 1));
    }
    if (n_profile > 0) {
      real wider = 0;
      real shift = 0;
      for (j in 1:n_profile) {
        wider += profile_aux_log_scale[a, j] * profile_power[j];
        shift += profile_aux[a, j] * profile_power[j];
      }
      moved_by = shift + exp(wider) * moved_by;
      target += wider;
    }
    if (aux_regressed)
      for (b in (a + 1):A) moved_by += aux_regression[a, b] * (free_aux[b] - aux_location[b]);
    free_aux[a] = aux_location[a] + moved_by;
    if (sigma_follows_nu && a == 1) free_aux[1] -= log1p_exp(-free_aux[2]);
    if (aux_domain[a] == 1) {                        // positive
      aux[a] = exp(free_aux[a]);
      target += free_aux[a];
    } else if (aux_domain[a] == 2) {                 // real
      aux[a] = free_aux[a];
    } else {                                         // between 0 and 1
      aux[a] = inv_logit(free_aux[a]);
      target += log_inv_logit(free_aux[a]) + log1m_inv_logit(free_aux[a]);
    }
    target += prior_lpdf(aux[a] | aux_prior[a], aux_prior_p[a]);
  }
