// Exponentially modified normal, shifted lognormal and skew normal likelihoods: a tally of the distinct
// (cell, value) pairs. The first and the last have the mean mu (winstan/families/exgaussian.py and
// skew_normal.py); of the shifted one mu and sigma are of log(y - ndt), and ndt is sampled as a share of
// the least response.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
#include include/probabilities.stan
#include include/reaction_densities.stan

  real exgaussian_tally_lpdf(vector value, vector tally, vector mu, real sigma, real beta) {
    real r = sigma / beta;
    vector[num_elements(value)] z = (value - mu) / sigma + inv(r);
    if (r < 30)
      return dot_product(tally, log_Phi(z - r) - r * z) + sum(tally) * (0.5 * square(r) - log(beta));
    return dot_product(tally, log_scaled_Phi(z - r) - 0.5 * square(z)) - sum(tally) * log(beta);
  }

  real lognormal_tally_lpdf(vector log_value, vector tally, vector mu, real sigma) {
    return -0.5 * dot_product(tally, square((log_value - mu) / sigma)) - dot_product(tally, log_value)
           - sum(tally) * (log(sigma) + 0.5 * log(2 * pi()));
  }

  real skew_tally_lpdf(vector value, vector tally, vector mu, real sigma, real alpha) {
    real m = sqrt(2 / pi()) * alpha * inv_sqrt(1 + square(alpha));
    real width = sqrt(1 - square(m)) / sigma;
    vector[num_elements(value)] z = m + width * (value - mu);
    return dot_product(tally, log_Phi(alpha * z) - 0.5 * square(z))
           + sum(tally) * (0.5 * log(2 / pi()) + log(width));
  }

  real skew_scales_lpdf(vector value, vector tally, vector mu, vector sigma, vector alpha) {
    vector[num_elements(value)] m = sqrt(2 / pi()) * alpha .* inv_sqrt(1 + square(alpha));
    vector[num_elements(value)] width = sqrt(1 - square(m)) ./ sigma;
    vector[num_elements(value)] z = m + width .* (value - mu);
    return dot_product(tally, log_Phi(alpha .* z) - 0.5 * square(z) + log(width))
           + 0.5 * sum(tally) * log(2 / pi());
  }
}
data {
#include include/data.stan
  int<lower=1, upper=3> reaction;                    // exgaussian, shifted lognormal, skew normal
  int<lower=0> V;
  array[V] int<lower=1, upper=C> cell;
  vector[V] value;
  vector<lower=0>[V] tally;
  real<lower=0> least;                               // response, of the shifted lognormal
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
  vector[V] mu = mean_from(block_from(eta, 1, C), link)[cell];
  target += log_constant;
  if (rows > C) {
    vector[V] sigma = parameter_from(eta, aux, block_of[1], number_of[1], beside_link[1], C)[cell];
    if (reaction == 2) {
      target += lognormal_scales_lpdf(log(value - least * aux[number_of[2]]) | tally, mu, sigma);
    } else {
      vector[V] second = parameter_from(eta, aux, block_of[2], number_of[2], beside_link[2], C)[cell];
      if (reaction == 1) target += exgaussian_scales_lpdf(value | tally, mu, sigma, second);
      else target += skew_scales_lpdf(value | tally, mu, sigma, second);
    }
  } else if (reaction == 1) {
    target += exgaussian_tally_lpdf(value | tally, mu, aux[1], aux[2]);
  } else if (reaction == 2) {
    target += lognormal_tally_lpdf(log(value - least * aux[2]) | tally, mu, aux[1]);
  } else {
    target += skew_tally_lpdf(value | tally, mu, aux[1], aux[2]);
  }
}
