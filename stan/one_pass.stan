// The likelihoods of rows that do not repeat: those of poisson, binomial, gamma and negative_binomial
// at their usual links, in one pass over the rows with a gradient of its own (include/one_pass.hpp). Everything
// else is as in their templates, which have no rows here: C and rows are 0.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/rising_of_one.stan

  // Sum of the rows' log densities, but for what meets no mean. What is empty: n is one, offsets are
  // zero, each row is its own.
  real rows_lpdf(vector sum_y, vector n, int likelihood, data matrix X, array[] int row, vector offsets,
                 vector beta, array[,] int level, data matrix Z, array[] int ones, vector effect,
                 array[] int start, array[] int J, array[] int q, real shape);
}
data {
#include include/data.stan
  int<lower=1, upper=4> likelihood;                  // poisson, binomial, gamma, negative binomial
  int<lower=1> n_rows;
  int<lower=1> n_predictors;                         // distinct rows of them
  matrix[n_predictors, P] predictors;
  int<lower=0, upper=1> picked;                      // else each row its own
  array[picked ? n_rows : 0] int<lower=1, upper=n_predictors> predictors_of;
  int<lower=0, upper=1> offset_given;
  vector[offset_given ? n_rows : 0] row_offset;
  array[M, n_rows] int<lower=1> row_level;
  array[N] int<lower=0, upper=1> row_ones;           // effects whose predictor is one in all rows,
  matrix[sum(row_ones) == N ? 0 : n_rows, N] row_Z;  // and the predictors, if any is another
  int<lower=0, upper=1> n_given;
  vector<lower=0>[n_given ? n_rows : 0] n;           // rows, exposure or trials
  vector<lower=0>[n_rows] sum_y;
  real<lower=0> total_n;
  real total_log_y;                                  // gamma: of all rows
  real<lower=1> largest;                             // negative binomial: see its template
  int<lower=0> n_first;
  vector<lower=0>[n_first] n_above;
  int<lower=0> V;
  vector<lower=0>[V] excess;
  vector<lower=0>[V] tally;
  vector[likelihood == 4 ? 13 : 0] moments;
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
  vector[n_first] k_above;
  for (k in 1:n_first) k_above[k] = k;
  if (rows > 0 || !kept || n_plain != N) reject("rows are told twice, or effects are not kept");
  if (!picked && n_predictors != n_rows) reject("rows have no predictors");
  for (m in 1:M)
    if (max(row_level[m]) > J[m])
      reject("term ", m, " has ", J[m], " levels, and rows of level ", max(row_level[m]));
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
  real shape = 1;
  if (likelihood > 2) shape = aux[1];
  target += rows_lpdf(sum_y | n, likelihood, predictors, predictors_of, row_offset, beta, row_level, row_Z,
                      row_ones, deviation, start, J, q, shape)
            + log_constant;
  if (likelihood == 3)
    target += total_n * (shape * log(shape) - lgamma(shape)) + (shape - 1) * total_log_y;
  else if (likelihood == 4)
    target += log_rising_of_one(n_above, k_above, excess, tally, moments, largest, shape);
}
