// Gaussian likelihood on cells: count, mean and within-cell sum of squares are sufficient.
// Serves gaussian, and lognormal (statistics of log y; its Jacobian is in log_constant).
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan

  real gaussian_cells_lpdf(vector mean_y, vector n, real ss_within, vector mu, real sigma) {
    real ss = ss_within + dot_product(n, square(mean_y - mu));
    return -sum(n) * (0.5 * log(2 * pi()) + log(sigma)) - 0.5 * ss / square(sigma);
  }
}
data {
#include include/data.stan
  vector<lower=0>[C] n;
  vector[C] mean_y;
  real<lower=0> ss_within;                           // summed over cells
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
}
parameters {
#include include/parameters.stan
}
transformed parameters {
#include include/correlations.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  target += gaussian_cells_lpdf(mean_y | n, ss_within, mean_from(eta, link), aux[1]) + log_constant;
}
