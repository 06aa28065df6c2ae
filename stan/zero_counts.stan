// Zero-inflated and hurdle Poisson and negative binomial likelihoods on cells: zeros, rows above zero
// and sum of y, and for a shape alpha the rising factorials of the values (winstan/families/rising.py).
// Of a count's own density f, an extra zero has probability zi, or zeros are apart and have hu.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
#include include/rising.stan
}
data {
#include include/data.stan
  int<lower=0, upper=1> hurdle;
  int<lower=0, upper=1> dispersed;                   // whether there is an alpha
  vector<lower=0>[C] n_zero;
  vector<lower=0>[C] n_above;
  vector<lower=0>[C] sum_y;
  int<lower=0> V;                                    // distinct counts above zero; of each cell,
  vector<lower=0>[V] excess;                         // where alpha has a formula
  vector<lower=0>[V] tally;
  array[rows > C && dispersed && block_of[1] > 0 ? V : 0] int<lower=1, upper=C> cell;
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
  int at_zero = 1 + dispersed;                       // the place of zi or hu
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  vector[C] log_mu = log_mean_from(block_from(eta, 1, C), link);
  vector[C] odds;                                    // the logit of zi or hu
  vector[C] log_f0;                                  // of the count's own zeros
  if (block_of[at_zero] > 0) odds = block_from(eta, block_of[at_zero], C);
  else odds = rep_vector(free_aux[number_of[at_zero]], C);
  if (dispersed) {
    vector[C] share;
    if (block_of[1] > 0) {
      vector[C] alpha = mean_from(block_from(eta, block_of[1], C), beside_link[1]);
      share = log1p(exp(log_mu) ./ alpha);
      log_f0 = -alpha .* share;
      target += log_rising(excess, tally, alpha[cell]);
    } else {
      real alpha = aux[number_of[1]];
      share = log1p(exp(log_mu) / alpha);
      log_f0 = -alpha * share;
      target += log_rising(excess, tally, rep_vector(alpha, V));
    }
    target += -dot_product(sum_y, share);
  } else {
    log_f0 = -exp(log_mu);
  }
  target += dot_product(sum_y, log_mu) + dot_product(n_above, log_f0)
            + dot_product(n_zero + n_above, log1m_inv_logit(odds)) + log_constant;
  if (hurdle)
    target += dot_product(n_zero, odds) - dot_product(n_above, log1m_exp(log_f0));
  else
    target += dot_product(n_zero, log_sum_of(odds, log_f0));
}
