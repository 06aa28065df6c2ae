// Poisson likelihood on cells: exposure and sum of y are sufficient; sum of lgamma(y + 1) is in
// log_constant.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan

  real poisson_cells_lpdf(vector sum_y, vector n, vector log_mu) {
    return dot_product(sum_y, log_mu) - dot_product(n, exp(log_mu));
  }
}
data {
#include include/data.stan
  vector<lower=0>[C] n;                              // rows, or summed exposure under the log link
  vector<lower=0>[C] sum_y;
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  target += poisson_cells_lpdf(sum_y | n, log_mean_from(eta, link)) + log_constant;
}
