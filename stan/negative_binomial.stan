// Negative binomial likelihood on cells, mean mu and shape alpha (variance mu + mu^2 / alpha): per
// cell count and sum of y, and over all rows a tally of the values, which alone meet lgamma.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan

  real negative_binomial_cells_lpdf(vector sum_y, vector n, vector value, vector tally,
                                    vector log_mu, real alpha) {
    vector[num_elements(log_mu)] ratio = exp(log_mu) / alpha;
    return dot_product(tally, lgamma(value + alpha)) - sum(tally) * lgamma(alpha)
           + dot_product(sum_y, log_mu - log(alpha))
           - dot_product(sum_y + n * alpha, log1p(ratio));
  }
}
data {
#include include/data.stan
  vector<lower=0>[C] n;
  vector<lower=0>[C] sum_y;
  int<lower=0> V;                                    // distinct values of y
  vector<lower=0>[V] value;
  vector<lower=0>[V] tally;
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
}
parameters {
#include include/parameters.stan
}
transformed parameters {
  vector[n_factor] corr_factor
    = correlations_jacobian(corr_location + corr_scale .* corr_raw, q, correlated, n_factor);
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  target += negative_binomial_cells_lpdf(sum_y | n, value, tally, log_mean_from(eta, link), aux[1])
            + log_constant;
}
