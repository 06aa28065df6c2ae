// Beta-binomial and zero-inflated binomial likelihoods on cells: trials and successes; of the
// beta-binomial, with shapes mu phi and (1 - mu) phi, tallies of the numbers that its rising factorials
// are of (winstan/families/beta_binomial.py); of the zero-inflated one, of the trials of rows without
// success, whose others n and sum_y are of.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
#include include/probabilities.stan
#include include/rising.stan

  // Or a factor each: of value = k, tally rows are above it.
  real log_rising_of(int by_factor, vector value, vector tally, vector shape) {
    if (by_factor) return dot_product(tally, log1p(value ./ shape));
    return log_rising(value, tally, shape);
  }
}
data {
#include include/data.stan
  int<lower=0, upper=1> inflated;
  vector<lower=0>[C] n;                              // trials
  vector<lower=0>[C] sum_y;                          // successes
  vector<lower=0>[C] n_rows;
  int<lower=0> V_success;                            // in each cell: distinct numbers above zero,
  int<lower=0, upper=1> success_by_factor;           // or all below the largest
  array[V_success] int<lower=1, upper=C> success_cell;
  vector<lower=0>[V_success] success_value;
  vector<lower=0>[V_success] success_tally;
  int<lower=0> V_failure;
  int<lower=0, upper=1> failure_by_factor;
  array[V_failure] int<lower=1, upper=C> failure_cell;
  vector<lower=0>[V_failure] failure_value;
  vector<lower=0>[V_failure] failure_tally;
  int<lower=0> V_trials;                             // of all cells, where phi is one number
  int<lower=0, upper=1> trials_by_factor;
  array[inflated || block_of[1] > 0 ? V_trials : 0] int<lower=1, upper=C> trials_cell;
  vector<lower=0>[V_trials] trials_value;
  vector<lower=0>[V_trials] trials_tally;
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
  vector[C] log_p = log_probability_from(of_mean, link);
  vector[C] log_q = log_complement_from(of_mean, link);
  target += dot_product(sum_y, log_p) + dot_product(n - sum_y, log_q) + log_constant;
  if (inflated) {
    vector[C] odds;                                  // the logit of zi
    if (block_of[1] > 0) odds = block_from(eta, block_of[1], C);
    else odds = rep_vector(free_aux[number_of[1]], C);
    target += dot_product(n_rows, log1m_inv_logit(odds))
              + dot_product(trials_tally,
                            log_sum_of(odds[trials_cell], trials_value .* log_q[trials_cell]));
  } else {
    vector[C] a;
    vector[C] b;
    if (block_of[1] > 0) {
      vector[C] phi = mean_from(block_from(eta, block_of[1], C), beside_link[1]);
      a = phi .* exp(log_p);
      b = phi .* exp(log_q);
      target += -log_rising_of(trials_by_factor, trials_value, trials_tally, phi[trials_cell]);
    } else {
      real phi = aux[number_of[1]];
      a = phi * exp(log_p);
      b = phi * exp(log_q);
      target += -log_rising_of(trials_by_factor, trials_value, trials_tally, rep_vector(phi, V_trials));
    }
    target += log_rising_of(success_by_factor, success_value, success_tally, a[success_cell])
              + log_rising_of(failure_by_factor, failure_value, failure_tally, b[failure_cell]);
  }
}
