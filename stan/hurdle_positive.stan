// Hurdle gamma and hurdle lognormal likelihoods on cells: zeros, of probability hu, and the statistics
// of the rows above zero, which are gamma of mean mu and shape alpha, or lognormal.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
#include include/given_noise.stan
}
data {
#include include/data.stan
#include include/conditional_data.stan
  int<lower=0, upper=1> logged;                      // lognormal
  vector<lower=0>[C] n_zero;
  vector<lower=0>[C] n;                              // rows above zero
  vector<lower=0>[logged ? 0 : C] sum_y;
  vector[logged ? 0 : C] sum_log_y;
  vector[logged ? C : 0] mean_y;                     // of their logarithms
  vector<lower=0>[logged ? C : 0] ss_within;
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
}
parameters {
#include include/conditional_parameters.stan
}
model {
#include include/scales.stan
#include include/conditional.stan
#include include/effects.stan
#include include/model.stan
  vector[C] by_mean = block_from(eta, 1, C);
  vector[C] beside = parameter_from(eta, aux, block_of[1], number_of[1], beside_link[1], C);
  vector[C] odds;                                    // the logit of hu
  if (block_of[2] > 0) odds = block_from(eta, block_of[2], C);
  else odds = rep_vector(free_aux[number_of[2]], C);
  target += dot_product(n_zero, odds) + dot_product(n_zero + n, log1m_inv_logit(odds)) + log_constant;
  if (logged) {
    target += -dot_product(n, log(beside) + 0.5 * log(2 * pi()))
              - 0.5 * sum((ss_within + n .* square(mean_y - mean_from(by_mean, link)))
                          ./ square(beside));
  } else {
    vector[C] log_mu = log_mean_from(by_mean, link);
    target += dot_product(n, beside .* log(beside) - lgamma(beside)) - sum(sum_log_y)
              + dot_product(beside, sum_log_y - n .* log_mu - sum_y .* exp(-log_mu));
  }
}
