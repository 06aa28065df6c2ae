  // Declares coefficients, and the effects' standard scores: W of them in joint, and rest.
  vector[P + W] unit = joint_raw;
  if (n_sd_scaled > 0) {
    vector[n_sd_scaled] sd_scale = sd_scale_base + sd_scale_slope * square(sd);
    if (sd_scale_bounded) sd_scale = sqrt(sd_scale ./ (1 + sd_scale_bound .* sd_scale));
    else sd_scale = sqrt(sd_scale);
    unit[1:n_sd_scaled] = joint_raw[1:n_sd_scaled] .* sd_scale;
    target += sum(log(sd_scale));
  }
  if (n_sd_covariance > 0) {                         // few: numbers one by one
    array[n_sd_covariance, n_sd_covariance] real cov_beta = sd_covariance_base;
    for (g in 1:n_covariance_growth) {
      int m = covariance_growth_of[g, 1];
      int a = covariance_growth_of[g, 2];
      int b = covariance_growth_of[g, 3];
      real S = column_sd[k_start[m] + a - 1] * column_sd[k_start[m] + b - 1];
      if (correlated[m]) {                           // columns one after another
        real R = 0;
        for (c in 1:b)
          R += corr_factor[f_start[m] + (c - 1) * q[m] + a - 1]
               * corr_factor[f_start[m] + (c - 1) * q[m] + b - 1];
        S *= R;
      } else if (a != b) {
        S = 0;
      }
      for (i in 1:n_sd_covariance)
        for (j in 1:i) cov_beta[i, j] += covariance_growth[g, i, j] * S;
    }
    vector[n_sd_covariance] spread = rep_vector(0, n_sd_covariance);
    for (j in 1:n_sd_covariance) {                   // its Cholesky factor, column by column
      for (c in 1:(j - 1)) cov_beta[j, j] -= square(cov_beta[j, c]);
      cov_beta[j, j] = sqrt(cov_beta[j, j]);
      for (i in (j + 1):n_sd_covariance) {
        for (c in 1:(j - 1)) cov_beta[i, j] -= cov_beta[i, c] * cov_beta[j, c];
        cov_beta[i, j] /= cov_beta[j, j];
      }
      for (i in 1:(j - 1)) cov_beta[i, j] = 0;
      target += log(cov_beta[j, j]);
      spread += to_vector(cov_beta[, j]) * sum(segment(unit, j, 1));
    }
    unit[1:n_sd_covariance] = spread;
  }
  vector[T - W] rest = eliminated_scale .* rest_raw;
  vector[sd_dependent ? P + T : 0] shifted;
  if (sd_dependent) {
    vector[Q] along = (square(sd) - square(sd_reference)) ./ (square(sd) + square(sd_reference));
    vector[P + T] wider = sd_log_scale * along;
    shifted = sd_location * along;
    if (profiled) {
      wider += profile_log_scale * to_vector(profile_power);
      shifted += profile_location * to_vector(profile_power);
    }
    unit .*= exp(head(wider, P + W));
    if (T > W) rest .*= exp(segment(wider, P + W + 1, T - W));
    target += sum(wider);
  }
  vector[P + W] joint;
  if (n_dense > 0) {
    joint = joint_scale * unit;
  } else {
    joint = diagonal_scale .* unit;
    if (n_low_rank > 0) joint += low_rank_left * (low_rank_right * unit);
  }
  if (n_regression > 0)
    rest += csr_matrix_times_vector(T - W, P + W, regression_w, regression_v, regression_u, joint);
  if (sd_dependent) {
    joint += head(shifted, P + W);
    if (T > W) rest += segment(shifted, P + W + 1, T - W);
  }
  vector[P] moved = head(joint, P);
  if (n_leading > 0) {                               // coefficients undo what crossed effects move
    vector[W] led = rep_vector(0, W);
    for (m in leading) {
      real s = column_sd[k_start[m]];
      vector[J[m]] z = segment(joint, P + start[m], J[m]);
      if (informed[m]) {
        vector[J[m]] I;
        if (n_classes[m] > 0) I = rep_vector(information[information_start[m]], J[m]);
        else I = segment(information, information_start[m], J[m]);
        vector[J[m]] width = inv_sqrt(1 + square(s) * I);
        z = width .* (z + s * width .* segment(score, start[m], J[m]));
      }
      led[start[m]:(start[m] + J[m] - 1)] = s * z;
    }
    moved += compensation_location - compensation * led;
  }
  if (n_bounded > 0) {
    array[n_bounded] real change;
    for (i in 1:n_bounded) {
      int p = bounded_at[i];
      real at = beta_location[p] + sum(segment(moved, p, 1));
      real below = log1p_exp((lower_bound[i] - at) / bound_width[i]);
      real above = log1p_exp((at - upper_bound[i]) / bound_width[i]);
      change[i] = bound_width[i] * (below - above);
      target += -below - above;
    }
    moved += bounded_place * to_vector(change);
    target += bound_constant;
  }
  if (n_shrunk > 0) {                                // as standard scores, given their sds
    array[n_shrunk] real change;
    real left = 1;
    if (by_explained) left = aux[shrunk_from] / (1 - aux[shrunk_from]);
    for (j in 1:n_shrunk) {
      int p = shrunk_at[j];
      real x = sum(segment(moved, p, 1));
      real variance = square(shrunk_unit[j]);
      if (shrunk_sigma > 0) variance *= square(aux[shrunk_sigma]);
      if (!by_explained) {
        variance /= inv_square(aux[shrunk_from] * aux[shrunk_from + 1 + j]) + inv(aux[shrunk_from + 1]);
      } else if (j < n_shrunk) {                     // a simplex, a piece at a time
        variance *= left * aux[shrunk_from + j];
        left *= 1 - aux[shrunk_from + j];
      } else {
        variance *= left;
      }
      real given = inv(shrunk_information[j] + inv(variance));
      real b = given * shrunk_score[j] + sqrt(given) * shrunk_root[j] * x;
      target += 0.5 * log(given) + log(shrunk_root[j]) + normal_lpdf(b | 0, sqrt(variance));
      change[j] = b - beta_location[p] - x;
    }
    moved += shrunk_place * to_vector(change);
  }
  vector[P] beta = beta_location + moved;
  array[n_product] vector[rows] factor;              // of columns with equal steps
  vector[n_curved > 0 ? rows : 0] curved = rep_vector(0, n_curved > 0 ? rows : 0);
  if (n_mono > 0) {                                  // monotonic effects
    for (p in 1:n_product) factor[p] = rep_vector(1, rows);
    for (v in 1:n_mono) {
      array[mono_steps[v] + 1] real own;             // what categories are multiplied by
      real left = 1;                                 // of the simplex: it is broken piece by piece
      own[1] = 1;
      for (x in 1:mono_steps[v]) {
        if (x < mono_steps[v]) left *= 1 - aux[mono_from[v] + x];
        else left = 0;
        own[x + 1] = (1 - left) * mono_steps[v] / x;
      }
      vector[mono_steps[v] + 1] height = to_vector(own);
      for (p in 1:n_product) if (in_product[p, v]) factor[p] .*= height[mono_at[v]];
    }
    if (n_curved > 0) {                              // coefficients among them
      array[n_curved] real change;
      real taken_off = 0;
      for (c in 1:n_curved) {                        // sampled: what the data know, whatever the simplex
        vector[rows] column = curved_x[, c] .* factor[curved_product[c]];
        real scaling = 1;
        real b = curved_constant[c];
        if (curved_at[c] > 0) b = sum(segment(beta, curved_at[c], 1));
        if (curved_scaled[c]) {
          scaling = dot_product(curved_slope[, c], column);
          target += -log(scaling);
        }
        column = (column - curved_center[, c]) / scaling - curved_reference[, c];
        real mean_column = dot_product(curved_mean[, c], column);
        change[c] = b / scaling - b;
        taken_off += b * mean_column;
        curved += b * (column - mean_column * intercept_rows);
      }
      beta += curved_place * to_vector(change) - taken_off * intercept_place;
    }
  }
  if (normal_alone) {                                // as they are, unless a user says otherwise
    target += normal_lpdf(beta | prior_mean, prior_sd);
  } else {                                           // a sum: an element would part beta, and all before
    for (p in 1:P)
      target += prior_lpdf(sum(segment(beta, p, 1)) | beta_prior[p], beta_prior_p[p]);
  }
