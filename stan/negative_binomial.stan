// Negative binomial likelihood on cells, mean mu and shape alpha (variance mu + mu^2 / alpha): per
// cell count and sum of y, and over all rows the rising factorials of the values, which alone meet no
// mean (winstan/families/rising.py). Nothing cancels, in the density or in its derivatives, however
// large alpha is: there the counts are Poisson. With a variance linear in the mean, (1 + phi) mu, alpha
// is mu / phi in each cell; of geometric counts, which have no parameter beside the mean, it is one.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
#include include/rising.stan
#include include/rising_of_one.stan

  // The part that meets the means; mean_y is the mean of y over all rows.
  real negative_binomial_cells_lpdf(vector sum_y, vector n, real mean_y, vector log_mu, real alpha) {
    vector[num_elements(log_mu)] mu = exp(log_mu);
    vector[num_elements(log_mu)] ratio = mu / alpha;
    if (alpha > 1e3 * mean_y) {
      if (sum(square(ratio)) < 1e-6) {               // of log1p(ratio) / ratio no derivative cancels
        vector[num_elements(log_mu)] share
          = 1 - ratio .* (0.5 - ratio .* (inv(3.0) - ratio .* (0.25 - 0.2 * ratio)));
        return dot_product(sum_y, log_mu - ratio .* share) - dot_product(n .* mu, share);
      }
    }
    return dot_product(sum_y, log_mu) - dot_product(sum_y + n * alpha, log1p(ratio));
  }

  real negative_binomial_shapes_lpdf(vector sum_y, vector n, vector log_mu, vector alpha) {
    return dot_product(sum_y, log_mu) - dot_product(sum_y + n .* alpha, log1p(exp(log_mu) ./ alpha));
  }
}
data {
#include include/data.stan
  int<lower=0, upper=1> linear;                      // the variance, in the mean
  vector<lower=0>[C] n;
  vector<lower=0>[C] sum_y;
  real<lower=1> largest;                             // count
  int<lower=0> n_first;
  vector<lower=0>[n_first] n_above;                   // rows with counts above 1, 2, ...
  int<lower=0> V;                                    // distinct counts above 32,
  vector<lower=0>[V] excess;                         // less that; or of each cell, as they are,
  vector<lower=0>[V] tally;
  array[rows > C || linear ? V : 0] int<lower=1, upper=C> cell; // where alpha differs between cells
  vector[13] moments;
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
  real mean_y = sum(sum_y) / sum(n);
  vector[n_first] k_above;
  for (k in 1:n_first) k_above[k] = k;
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  if (n_beside == 0) {                               // the factorials are those of y itself
    target += negative_binomial_cells_lpdf(sum_y | n, mean_y, log_mean_from(eta, link), 1)
              + log_constant;
  } else if (linear) {
    vector[C] log_mu = log_mean_from(block_from(eta, 1, C), link);
    vector[C] alpha
      = exp(log_mu) ./ parameter_from(eta, aux, block_of[1], number_of[1], beside_link[1], C);
    target += negative_binomial_shapes_lpdf(sum_y | n, log_mu, alpha)
              + log_rising(excess, tally, alpha[cell]) + log_constant;
  } else if (rows > C) {
    vector[C] alpha = mean_from(block_from(eta, block_of[1], C), beside_link[1]);
    target += negative_binomial_shapes_lpdf(sum_y | n, log_mean_from(block_from(eta, 1, C), link), alpha)
              + log_rising(excess, tally, alpha[cell]) + log_constant;
  } else {
    target += negative_binomial_cells_lpdf(sum_y | n, mean_y, log_mean_from(eta, link), aux[1])
              + log_rising_of_one(n_above, k_above, excess, tally, moments, largest, aux[1])
              + log_constant;
  }
}
