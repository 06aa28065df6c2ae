// Gamma likelihood on cells, mean mu and shape alpha (rate alpha / mu): count, sum of y and sum
// of log y are sufficient.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan

  real gamma_cells_lpdf(vector sum_y, vector n, real sum_log_y, vector log_mu, real alpha) {
    return sum(n) * (alpha * log(alpha) - lgamma(alpha)) + (alpha - 1) * sum_log_y
           - alpha * (dot_product(n, log_mu) + dot_product(sum_y, exp(-log_mu)));
  }
}
data {
#include include/data.stan
  vector<lower=0>[C] n;
  vector<lower=0>[C] sum_y;
  real sum_log_y;                                    // over all rows: no cell's mean multiplies it
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
  target += gamma_cells_lpdf(sum_y | n, sum_log_y, log_mean_from(eta, link), aux[1]) + log_constant;
}
