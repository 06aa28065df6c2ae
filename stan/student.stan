// Student-t likelihood, scale sigma and nu degrees of freedom: no sufficient statistics, so a
// tally of the distinct (cell, value) pairs.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan

  real student_tally_lpdf(vector value, vector tally, vector mu, real sigma, real nu) {
    return sum(tally) * (lgamma(0.5 * (nu + 1)) - lgamma(0.5 * nu) - 0.5 * log(nu * pi())
                         - log(sigma))
           - 0.5 * (nu + 1) * dot_product(tally, log1p(square((value - mu) / sigma) / nu));
  }

  real student_scales_lpdf(vector value, vector tally, vector mu, vector sigma, vector nu) {
    return dot_product(tally, lgamma(0.5 * (nu + 1)) - lgamma(0.5 * nu) - 0.5 * log(nu * pi())
                              - log(sigma))
           - 0.5 * dot_product(tally, (nu + 1) .* log1p(square((value - mu) ./ sigma) ./ nu));
  }
}
data {
#include include/data.stan
  int<lower=0> V;
  array[V] int<lower=1, upper=C> cell;
  vector[V] value;
  vector<lower=0>[V] tally;
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
  if (rows > C) {
    vector[C] sigma = parameter_from(eta, aux, block_of[1], number_of[1], beside_link[1], C);
    vector[C] nu = parameter_from(eta, aux, block_of[2], number_of[2], beside_link[2], C);
    target += student_scales_lpdf(value | tally, mean_from(block_from(eta, 1, C), link)[cell],
                                  sigma[cell], nu[cell])
              + log_constant;
  } else {
    target += student_tally_lpdf(value | tally, mean_from(eta, link)[cell], aux[1], aux[2])
              + log_constant;
  }
}
