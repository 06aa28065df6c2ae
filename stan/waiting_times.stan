// Exponential, Weibull and inverse Gaussian likelihoods on cells, of mean mu. Count and mean of y are
// sufficient for the first; the Weibull of shape alpha has a tally of the distinct (cell, value) pairs;
// the inverse Gaussian of shape lam has besides, about each cell's mean m, the sum of (y - m)^2 / (m^2 y).
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
#include include/relative_squares.stan

  // power: alpha times the logarithm of y over the scale.
  real weibull_tally_lpdf(vector log_value, vector tally, vector log_scale, real alpha) {
    vector[num_elements(log_value)] power = alpha * (log_value - log_scale);
    return sum(tally) * log(alpha) + dot_product(tally, power - exp(power));
  }

  real weibull_shapes_lpdf(vector log_value, vector tally, vector log_scale, vector alpha) {
    vector[num_elements(log_value)] power = alpha .* (log_value - log_scale);
    return dot_product(tally, log(alpha) + power - exp(power));
  }
}
data {
#include include/data.stan
  int<lower=1, upper=3> waiting;                     // exponential, Weibull, inverse Gaussian
  vector<lower=0>[waiting == 2 ? 0 : C] n;
  vector<lower=0>[waiting == 2 ? 0 : C] mean_y;
  vector<lower=0>[waiting == 3 ? C : 0] excess;
  int<lower=0> V;
  array[V] int<lower=1, upper=C> cell;
  vector[V] log_value;
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
  vector[C] log_mu = log_mean_from(block_from(eta, 1, C), link);
  target += log_constant;
  if (waiting == 1) {
    target += -dot_product(n, log_mu + mean_y .* exp(-log_mu));
  } else if (block_of[1] > 0) {
    vector[C] shape = mean_from(block_from(eta, block_of[1], C), beside_link[1]);
    if (waiting == 2)
      target += weibull_shapes_lpdf(log_value | tally, (log_mu - lgamma(1 + inv(shape)))[cell],
                                    shape[cell]);
    else
      target += 0.5 * dot_product(n, log(shape))
                - 0.5 * dot_product(shape, relative_squares(mean_y, n, excess, log_mu));
  } else if (waiting == 2) {
    target += weibull_tally_lpdf(log_value | tally, (log_mu - lgamma(1 + inv(aux[1])))[cell], aux[1]);
  } else {
    target += 0.5 * sum(n) * log(aux[1])
              - 0.5 * aux[1] * sum(relative_squares(mean_y, n, excess, log_mu));
  }
}
