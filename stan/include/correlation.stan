  // Correlations of rows of a unit (winstan/residual): 1 ar, 2 car, 3 cs, 4 toep, 5 unstr, by a few numbers
  // on the whole line.

  // log(1 - tanh(z)^2), which is not lost to rounding far out.
  real log_slope_of_tanh(real z) {
    return 2 * (log2() - z - log1p_exp(-2 * z));
  }

  // By squaring: also of a negative number, and of zero.
  real whole_power(real x, int n) {
    real out = 1;
    real square_of = x;
    int left = n;
    while (left > 0) {
      if (left != 2 * (left %/% 2)) out *= square_of;
      left = left %/% 2;
      if (left > 0) square_of *= square_of;
    }
    return out;
  }

  // Correlations at lags 0, 1, ... from partial ones (Durbin 1960, Levinson 1947).
  vector lag_correlations(vector partial) {
    int n = num_elements(partial);
    vector[n + 1] out = rep_vector(1, n + 1);
    vector[n] phi = rep_vector(0, n);
    real left = 1;
    for (k in 1:n) {
      real next = partial[k] * left;
      vector[n] old = phi;
      for (j in 1:(k - 1)) next += old[j] * out[k - j + 1];
      out[k + 1] = next;
      for (j in 1:(k - 1)) phi[j] = old[j] - partial[k] * old[k - j];
      phi[k] = partial[k];
      left *= 1 - square(partial[k]);
    }
    return out;
  }

  // Log density of the numbers, but for a constant; p are those of the prior.
  real correlation_lpdf(vector number, int structure, row_vector p, int n_visits, real time_unit) {
    int n = num_elements(number);
    real out = 0;
    if (structure == 1) {
      out = p[1] * log_slope_of_tanh(number[1]);
    } else if (structure == 2) {
      real log_rho = -log1p_exp(-number[1]) / time_unit;
      out = p[1] * log_rho + log1m_inv_logit(number[1]);
      if (p[2] != 1) out += (p[2] - 1) * log1m_exp(log_rho);
    } else if (structure == 3) {
      out = p[1] * log_inv_logit(number[1]) + p[2] * log1m_inv_logit(number[1]);
    } else if (structure == 4) {
      for (k in 1:n) out += p[1] * (n_visits - k) * log_slope_of_tanh(number[k]);
    } else {
      int at = 1;
      for (i in 2:n_visits) {
        for (j in 1:(i - 1)) {
          out += (p[1] + 0.5 * (n_visits - 1 - j)) * log_slope_of_tanh(number[at]);
          at += 1;
        }
      }
    }
    return out;
  }

  // Of ar and car: of each row with the one before it, 0 where a unit begins (gap_of is 1 there).
  vector with_row_before(vector number, int structure, vector gap, array[] int steps, array[] int gap_of) {
    int G = num_elements(gap);
    vector[G + 1] phi = rep_vector(0, G + 1);
    if (structure == 1) {
      real rho = tanh(number[1]);
      for (g in 1:G) phi[g + 1] = whole_power(rho, steps[g]);
    } else {
      for (g in 1:G) phi[g + 1] = exp(-log1p_exp(-number[1]) * gap[g]);
    }
    return phi[gap_of];
  }

  // Of cs, toep and unstr: the matrix of all places, n of them.
  matrix between_places(vector number, int structure, int n) {
    matrix[n, n] C = identity_matrix(n);
    if (structure == 3) {
      real rho = inv_logit(number[1]) - inv_logit(-number[1]) / (n - 1.0);
      for (a in 2:n) {
        for (b in 1:(a - 1)) {
          C[a, b] = rho;
          C[b, a] = rho;
        }
      }
    } else if (structure == 4) {
      vector[n] lag = lag_correlations(tanh(number));
      for (a in 1:n) for (b in 1:n) C[a, b] = lag[abs(a - b) + 1];
    } else {
      matrix[n, n] half = identity_matrix(n);
      int at = 1;
      for (i in 2:n) {
        real left = 1;
        for (j in 1:(i - 1)) {
          half[i, j] = tanh(number[at]) * sqrt(left);
          left -= square(half[i, j]);
          at += 1;
        }
        half[i, i] = sqrt(left);
      }
      for (a in 2:n) {
        for (b in 1:(a - 1)) {
          C[a, b] = dot_product(half[a], half[b]);
          C[b, a] = C[a, b];
        }
      }
    }
    return C;
  }

  // Rows z in the order of their units, of variance one, by a root of their correlations: white = 1 makes
  // independent ones of them, and adds the log determinant; 0 goes back.
  vector by_root_lp(vector z, int white, vector number, int structure, vector gap, array[] int steps,
                    array[] int gap_of, int longest, int n_visits, array[] int pattern_size,
                    array[] int units_of_pattern, array[] int pattern_places) {
    int n = num_elements(z);
    vector[n] out = z;
    if (structure <= 2) {
      vector[n] phi = with_row_before(number, structure, gap, steps, gap_of);
      vector[n] left = sqrt(1 - square(phi));
      if (white) {
        out = (z - phi .* append_row(rep_vector(0, 1), head(z, n - 1))) ./ left;
        target += -sum(log(left));
      } else {                                       // each follows the one before: twice as many at a step
        int reach = 1;
        out = left .* z;
        while (reach < longest) {
          out = append_row(head(out, reach),
                           segment(out, reach + 1, n - reach) + segment(phi, reach + 1, n - reach) .* head(out, n - reach));
          phi = append_row(rep_vector(0, reach), segment(phi, reach + 1, n - reach) .* head(phi, n - reach));
          reach *= 2;
        }
      }
      return out;
    }
    matrix[n_visits, n_visits] C = between_places(number, structure, n_visits);
    int at = 1;
    int from = 1;
    for (k in 1:size(pattern_size)) {
      int m = pattern_size[k];
      int J = units_of_pattern[k];
      matrix[m, J] own = to_matrix(segment(z, at, m * J), m, J);
      if (structure == 3) {                          // means of units, and what rows are beside them
        real left = sqrt(1 - C[1, n_visits]);
        real whole = sqrt(1 + (m - 1) * C[1, n_visits]);
        matrix[1, J] mean_of = to_matrix(rep_vector(inv(m), m), 1, m) * own;
        matrix[m, J] means = to_matrix(rep_vector(1, m), m, 1) * mean_of;
        if (white) {
          target += -J * ((m - 1) * log(left) + log(whole));
          left = 1 / left;
          whole = 1 / whole;
        }
        own = own * left + means * (whole - left);
      } else {
        array[m] int at_places = segment(pattern_places, from, m);
        matrix[m, m] root = cholesky_decompose(C[at_places, at_places]);
        if (white) target += -J * sum(log(diagonal(root)));
        if (white) own = inverse(root) * own;
        else own = root * own;
        from += m;
      }
      out[at:(at + m * J - 1)] = to_vector(own);
      at += m * J;
    }
    return out;
  }
