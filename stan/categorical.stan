// Likelihood of unordered categories on cells: of each cell, how many rows have each category. The
// linear predictors are log odds against the reference (winstan/families/categorical.py).
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
}
data {
#include include/data.stan
  int<lower=2> K;                                    // categories, a block for each but the reference
  matrix<lower=0>[C, K] counts;                      // the reference's first
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
  if (rows != (K - 1) * C) reject("there are ", K, " categories, and ", rows, " linear predictors");
  vector[rows] of_blocks = to_vector(counts[, 2:K]);
  vector[C] n;
  for (c in 1:C) n[c] = sum(counts[c]);
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  vector[C] total = log_sum_of(block_from(eta, 1, C), rep_vector(0, C));
  for (k in 2:(K - 1)) total = log_sum_of(total, block_from(eta, k, C));
  target += dot_product(of_blocks, eta) - dot_product(n, total) + log_constant;
}
