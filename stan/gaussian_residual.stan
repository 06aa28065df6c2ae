// Gaussian likelihood with correlated residuals, coefficients and group effects integrated out. A
// weighted sum of cross-products is all that it takes of the data, and weights follow the residuals'
// correlation and spreads (winstan/residual). The effects of one factor, in whose groups the units of
// correlation lie, are integrated group by group; those of others are columns, as in
// gaussian_marginal.stan. Serves gaussian, and lognormal (statistics of log y).
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/term_covariances.stan
#include include/columns.stan
#include include/correlation.stan
}
data {
  int<lower=1> W;                                    // columns: coefficients, effects, response
  int<lower=0> width;                                // effects per group of the factor
  int<lower=0> n_groups;                             // of the factor; 0 without one
  matrix[W, W] prior;                                // of the columns; 0: flat
  real log_constant;

#include include/variances_data.stan

  // Spreads: of each kind of row. Their predictors, and priors of the coefficients; or sigma's.
  int<lower=1> n_kinds;
  vector<lower=0>[n_kinds] rows_of_kind;
  int<lower=0, upper=1> spread_formula;
  int<lower=1> n_spread;
  matrix[n_kinds, n_spread] spread_X;
  vector[n_kinds] spread_offset;
  array[n_spread] int spread_prior;
  matrix[n_spread, 3] spread_prior_p;

  // Correlation: 1 ar, 2 car, 3 cs, 4 toep, 5 unstr; what is sampled of it, and its prior's numbers.
  int<lower=1, upper=5> structure;
  int<lower=1> n_numbers;
  row_vector[3] number_prior_p;
  int<lower=1> order;                                // of the correlation matrix of all places
  real<lower=0> time_unit;                           // of car: what is one in gap
  int<lower=0> n_gap;                                // distinct gaps; of cs: sizes of units
  vector<lower=0>[n_gap] gap;
  array[structure == 1 ? n_gap : 0] int<lower=1> steps;  // of ar: the same
  vector<lower=0>[n_gap] pairs_of_gap;               // so far apart; of cs: units of that size
  int<lower=0> n_patterns;                           // of toep and unstr: places of a unit's rows
  array[n_patterns] int<lower=1> pattern_size;
  vector<lower=0>[n_patterns] units_of_pattern;
  int<lower=0> n_places;
  array[n_places] int<lower=1, upper=order> places;

  // Cross-products: each by a weight of the correlation and two kinds of row.
  int<lower=1> F;
  int<lower=1> n_weights;
  array[F] int<lower=1, upper=n_weights> weight_of;
  array[F] int<lower=1, upper=n_kinds> kind_of;
  array[F] int<lower=1, upper=n_kinds> other_kind_of;
  int<lower=0> n_nonzero;
  int<lower=1> n_out;                                // entries of W x W; and by group those of the
  vector[n_nonzero] product_w;                       // effects, and of effects by columns
  array[n_nonzero] int<lower=1, upper=F> product_v;
  array[n_out + 1] int<lower=1, upper=n_nonzero + 1> product_u;
}
transformed data {
#include include/columns_data.stan
  int of_pairs = entries(width);
  int n_last = n_spread + n_numbers;
  int after = Q + n_corr;
  array[1] int visits_order = {order};               // of unstr, as of a term's effects
  array[1] int visits_correlated = {1};
  vector[1] visits_lkj = [number_prior_p[1]]';
  array[n_patterns] int place_start;
  {
    int at = 1;
    int n = 1;
    for (k in 1:n_patterns) {
      place_start[k] = at;
      at += pattern_size[k];
      n += entries(pattern_size[k]);
    }
    if (structure <= 2) n = 2 + 3 * n_gap;
    if (structure == 3) n = 2 + n_gap;
    if (at != n_places + 1 || n != n_weights + 1) reject("the weights' sizes do not add up");
  }
  if (of_factor > width || D != after + n_last || structure == 5 && n_numbers != entries(order - 1))
    reject("the terms' sizes do not add up");
  if (n_out != entries(W) + n_groups * (of_pairs + width * W))
    reject("the cross-products' sizes do not add up");
}
parameters {
  vector[Q] sd_raw;
  vector[n_corr] corr_raw;
  vector[n_last] aux_raw;
}
model {
  vector[1 + D + n_roots] terms = term_covariances(
    append_row(sd_raw, append_row(corr_raw, aux_raw)), mixing, location, above, above_tail, below, below_tail, q,
    n_sds, correlated, sd_of, length_of, frequency, gram_of_terms, contrasts, sd_prior, sd_prior_p, lkj);
  vector[D] coordinate = segment(terms, 2, D);
  vector[n_roots] roots = terms[(2 + D):(1 + D + n_roots)];  // of the effects' covariances, term by term
  target += terms[1] + lkj_constant;
  vector[n_kinds] log_spread = spread_offset
                               + spread_X * segment(coordinate, after + 1, n_spread);
  vector[n_numbers] number = segment(coordinate, after + n_spread + 1, n_numbers);
  target += log_constant - dot_product(rows_of_kind, log_spread);
  if (spread_formula) {
    for (k in 1:n_spread)
      target += prior_lpdf(coordinate[after + k] | spread_prior[k], spread_prior_p[k]);
  } else {
    target += prior_lpdf(exp(coordinate[after + 1]) | spread_prior[1], spread_prior_p[1])
              + coordinate[after + 1];
  }

  vector[n_weights] weight;                          // entries of the correlations' inverses
  if (structure <= 2) {
    vector[n_gap] phi;
    vector[n_gap] log_left;                          // log(1 - phi^2)
    if (structure == 1) {
      real rho = tanh(number[1]);
      for (g in 1:n_gap) phi[g] = whole_power(rho, steps[g]);
      log_left = log(1 - square(phi));
      target += number_prior_p[1] * log_slope_of_tanh(number[1]);
    } else {
      real decay = log1p_exp(-number[1]);            // rho = inv_logit(number) at a gap of one
      real log_rho = -decay / time_unit;
      phi = exp(-decay * gap);
      log_left = log1m_exp(-2 * decay * gap);
      target += number_prior_p[1] * log_rho + log1m_inv_logit(number[1]);
      if (number_prior_p[2] != 1) target += (number_prior_p[2] - 1) * log1m_exp(log_rho);
    }
    target += -0.5 * dot_product(pairs_of_gap, log_left);
    vector[n_gap] own = exp(-log_left);
    weight[1] = 1;
    weight[2:(1 + n_gap)] = own;
    weight[(2 + n_gap):(1 + 2 * n_gap)] = -phi .* own;
    weight[(2 + 2 * n_gap):n_weights] = square(phi) .* own;
  } else if (structure == 3) {
    real log_u = log_inv_logit(number[1]);
    real log_v = log1m_inv_logit(number[1]);
    real left = exp(log_v) * order / (order - 1.0);  // 1 - rho
    vector[n_gap] whole = left + gap * (1 - left);   // 1 + (n - 1) rho
    target += number_prior_p[1] * log_u + number_prior_p[2] * log_v;
    target += -0.5 * dot_product(pairs_of_gap, (gap - 1) * log(left) + log(whole));
    weight[1] = inv(left);
    weight[2:n_weights] = -(1 - left) / left * inv(whole);
  } else {
    matrix[order, order] C;
    if (structure == 4) {
      vector[order] lag = lag_correlations(tanh(number));
      for (a in 1:order) for (b in 1:order) C[a, b] = lag[abs(a - b) + 1];
      for (k in 1:n_numbers)
        target += number_prior_p[1] * (order - k) * log_slope_of_tanh(number[k]);
    } else {
      vector[1 + order * order] visits = correlation_factors(number, visits_order, visits_correlated, visits_lkj);
      matrix[order, order] half = to_matrix(visits[2:(1 + order * order)], order, order);
      for (a in 1:order) for (b in 1:order) C[a, b] = dot_product(half[a], half[b]);
      target += visits[1] + lkj_corr_cholesky_lpdf(identity_matrix(order) | number_prior_p[1]);
    }
    int at = 1;
    for (k in 1:n_patterns) {
      int n = pattern_size[k];
      array[n] int own = segment(places, place_start[k], n);
      matrix[n, n] V = C[own, own];
      matrix[n, n] precision = inverse(V);
      target += -units_of_pattern[k] * sum(log(diagonal(cholesky_decompose(V))));
      for (a in 1:n) {
        for (b in 1:a) {
          weight[at] = precision[a, b];
          at += 1;
        }
      }
    }
  }

  vector[F] by = weight[weight_of] .* exp(-log_spread[kind_of] - log_spread[other_kind_of]);
  vector[n_out] product = csr_matrix_times_vector(n_out, F, product_w, product_v, product_u, by);

  vector[entries(W)] weighted = head(product, entries(W));
  if (n_groups > 0) {
    // z-scores of a group's effects have the precision 1 + L' G L, and the columns that they take
    // away are L' H by its factor: entry (a, b) of all groups is one vector.
    int J_all = n_groups;
    matrix[width, width] root = to_matrix(rep_vector(0, width * width), width, width);
    array[width, width] vector[n_groups] G;
    array[width, width] vector[n_groups] own;
    array[width, W] vector[n_groups] H;
    array[width, W] vector[n_groups] taken;
    int from = entries(W) + 1;
    int inside = 0;
    int first = 1;
    for (m in 1:M) {
      if (column[m] == 0) {
        root[(inside + 1):(inside + q[m]), (inside + 1):(inside + q[m])]
          = to_matrix(segment(roots, first, q[m] * q[m]), q[m], q[m]);
        inside += q[m];
      }
      first += q[m] * q[m];
    }
    for (a in 1:width) {
      for (b in 1:a) {
        G[a, b] = segment(product, from, n_groups);
        G[b, a] = G[a, b];
        from += n_groups;
      }
    }
    for (a in 1:width) {
      for (w in 1:W) {
        H[a, w] = segment(product, from, n_groups);
        from += n_groups;
      }
    }
    for (a in 1:width) {
      for (b in 1:width) own[a, b] = rep_vector(a == b, n_groups);
      for (b in 1:a)
        for (c in a:width)
          for (d in b:width) own[a, b] += (root[c, a] * root[d, b]) * G[c, d];
    }
    own = cholesky_of_each(own);
    for (a in 1:width) {
      vector[n_groups] pivot = inv(own[a, a]);
      for (w in 1:W) {
        vector[n_groups] left = root[a, a] * H[a, w];
        for (c in (a + 1):width) left += root[c, a] * H[c, w];
        for (b in 1:(a - 1)) left -= own[a, b] .* taken[b, w];
        taken[a, w] = pivot .* left;
      }
      target += -sum(log(own[a, a]));
      for (i in 1:W)
        for (j in 1:i) weighted[entries(i - 1) + j] -= dot_product(taken[a, i], taken[a, j]);
    }
  }
  target += columns_density(weighted, roots, J, q, correlated, column, prior);
}
