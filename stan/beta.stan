// Beta likelihood on cells, mean mu and precision phi (shapes mu phi and (1 - mu) phi): count, sum of
// log y and sum of log(1 - y) are sufficient; what meets no parameter is in log_constant.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
#include include/probabilities.stan

  // gamma(z) = gamma(1 + z) / z: nothing is lost where a shape is next to zero.
  real beta_cells_lpdf(vector sum_log_y, vector n, vector sum_log_rest, vector log_mu,
                       vector log_rest, real phi) {
    vector[num_elements(log_mu)] a = phi * exp(log_mu);
    vector[num_elements(log_mu)] b = phi * exp(log_rest);
    return sum(n) * (lgamma(1 + phi) + log(phi))
           + dot_product(n, log_mu + log_rest - lgamma(1 + a) - lgamma(1 + b))
           + dot_product(a, sum_log_y) + dot_product(b, sum_log_rest);
  }

  real beta_precisions_lpdf(vector sum_log_y, vector n, vector sum_log_rest, vector log_mu,
                            vector log_rest, vector phi) {
    vector[num_elements(log_mu)] a = phi .* exp(log_mu);
    vector[num_elements(log_mu)] b = phi .* exp(log_rest);
    return dot_product(n, lgamma(1 + phi) + log(phi) + log_mu + log_rest
                          - lgamma(1 + a) - lgamma(1 + b))
           + dot_product(a, sum_log_y) + dot_product(b, sum_log_rest);
  }
}
data {
#include include/data.stan
  vector<lower=0>[C] n;
  vector<upper=0>[C] sum_log_y;
  vector<upper=0>[C] sum_log_rest;
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
  if (block_of[1] > 0) {
    vector[C] of_mean = block_from(eta, 1, C);
    target += beta_precisions_lpdf(sum_log_y | n, sum_log_rest, log_probability_from(of_mean, link),
                                   log_complement_from(of_mean, link),
                                   mean_from(block_from(eta, block_of[1], C), beside_link[1]))
              + log_constant;
  } else {
    target += beta_cells_lpdf(sum_log_y | n, sum_log_rest, log_probability_from(eta, link),
                              log_complement_from(eta, link), aux[1])
              + log_constant;
  }
}
