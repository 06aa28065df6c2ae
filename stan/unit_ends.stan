// Ordered beta and zero-one-inflated beta likelihoods on cells: rows at 0 and at 1, and of those
// between the beta's statistics, mean mu and precision phi. The ends lie beyond two cutpoints of the
// mean's predictor, or have probabilities of their own, zoi, and coi of a one among them.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
#include include/probabilities.stan

  // The logit of a probability: predicted, or one number.
  vector odds_from(vector eta, vector free_aux, int b, int number, int n) {
    if (b > 0) return block_from(eta, b, n);
    return rep_vector(free_aux[number], n);
  }
}
data {
#include include/data.stan
  int<lower=0, upper=1> ordered_ends;
  vector<lower=0>[C] n_zero;
  vector<lower=0>[C] n_one;
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
  vector[C] of_mean = block_from(eta, 1, C);
  vector[C] log_mu = log_probability_from(of_mean, link);
  vector[C] log_rest = log_complement_from(of_mean, link);
  vector[C] a;
  vector[C] b;
  if (block_of[1] > 0) {
    vector[C] phi = mean_from(block_from(eta, block_of[1], C), beside_link[1]);
    a = phi .* exp(log_mu);
    b = phi .* exp(log_rest);
    target += dot_product(n, lgamma(1 + phi) + log(phi));
  } else {
    real phi = aux[number_of[1]];
    a = phi * exp(log_mu);
    b = phi * exp(log_rest);
    target += sum(n) * (lgamma(1 + phi) + log(phi));
  }
  // gamma(z) = gamma(1 + z) / z: nothing is lost where a shape is next to zero.
  target += dot_product(n, log_mu + log_rest - lgamma(1 + a) - lgamma(1 + b))
            + dot_product(a, sum_log_y) + dot_product(b, sum_log_rest) + log_constant;
  if (ordered_ends) {
    real gap = aux[number_of[3]];
    vector[C] above_lower = of_mean - aux[number_of[2]];
    vector[C] above_upper = above_lower - gap;
    target += dot_product(n_zero, log_complement_from(above_lower, link))
              + dot_product(n_one, log_probability_from(above_upper, link))
              + dot_product(n, log_probability_from(above_lower, link)
                               + log_complement_from(above_upper, link))
              + sum(n) * log1m_exp(-gap);
  } else {
    vector[C] of_ends = odds_from(eta, free_aux, block_of[2], number_of[2], C);
    vector[C] of_ones = odds_from(eta, free_aux, block_of[3], number_of[3], C);
    target += dot_product(n_zero + n_one, log_inv_logit(of_ends) + log1m_inv_logit(of_ones))
              + dot_product(n, log1m_inv_logit(of_ends)) + dot_product(n_one, of_ones);
  }
}
