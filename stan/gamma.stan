// Gamma likelihood on cells, mean mu and shape alpha (rate alpha / mu): count, sum of y and sum
// of log y are sufficient; the last one over all rows, unless alpha has a formula.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan

  real gamma_cells_lpdf(vector sum_y, vector n, real sum_log_y, vector log_mu, real alpha) {
    return sum(n) * (alpha * log(alpha) - lgamma(alpha)) + (alpha - 1) * sum_log_y
           - alpha * (dot_product(n, log_mu) + dot_product(sum_y, exp(-log_mu)));
  }

  real gamma_shapes_lpdf(vector sum_y, vector n, vector sum_log_y, vector log_mu, vector alpha) {
    return dot_product(n, alpha .* log(alpha) - lgamma(alpha)) - sum(sum_log_y)
           + dot_product(alpha, sum_log_y - n .* log_mu - sum_y .* exp(-log_mu));
  }
}
data {
#include include/data.stan
  vector<lower=0>[C] n;
  vector<lower=0>[C] sum_y;
  vector[C] sum_log_y;
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
  real total_log_y = sum(sum_log_y);                 // no cell's mean multiplies it
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  if (block_of[1] > 0)
    target += gamma_shapes_lpdf(sum_y | n, sum_log_y, log_mean_from(block_from(eta, 1, C), link),
                                mean_from(block_from(eta, block_of[1], C), beside_link[1]))
              + log_constant;
  else
    target += gamma_cells_lpdf(sum_y | n, total_log_y, log_mean_from(eta, link), aux[1])
              + log_constant;
}
