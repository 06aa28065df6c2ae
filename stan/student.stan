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
transformed parameters {
  vector[n_factor] corr_factor
    = correlations_jacobian(corr_location + corr_scale .* corr_raw, q, correlated, n_factor);
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  target += student_tally_lpdf(value | tally, mean_from(eta, link)[cell], aux[1], aux[2])
            + log_constant;
}
