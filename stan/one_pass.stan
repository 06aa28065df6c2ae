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
                 vector beta, array[] int curve_of, array[,] int level, data matrix Z, array[] int told,
                 vector effect, array[] int start, array[] int J, array[] int q, array[] int table_of,
                 array[] int table_rows, vector basis, array[,] int place, real shape);
}
data {
#include include/data.stan
  int<lower=1, upper=4> likelihood;                  // poisson, binomial, gamma, negative binomial
  int<lower=1> n_rows;
  int<lower=1> n_predictors;                         // distinct rows of them
  int<lower=0> n_curve_columns;                      // columns of curves of all rows follow
  array[n_curve_columns] int<lower=1, upper=T> curve_of;  // their effects
  matrix[n_predictors, P + n_curve_columns] predictors;
  int<lower=0, upper=1> picked;                      // else each row its own
  array[picked ? n_rows : 0] int<lower=1, upper=n_predictors> predictors_of;
  int<lower=0, upper=1> offset_given;
  vector[offset_given ? n_rows : 0] row_offset;
  array[M, n_rows] int<lower=1> row_level;
  array[N] int<lower=0, upper=2> told;               // effects' predictors: elsewhere, one in all rows,
  int<lower=0> n_told;                               // or here
  matrix[n_rows, n_told] row_Z;
  int<lower=0> n_table;                              // terms of a curve for each level: by the distinct
  array[n_table] int<lower=1, upper=M> table_of;     // rows of their predictors, column by column
  array[n_table] int<lower=1> table_rows;
  int<lower=0> n_row_basis;
  vector[n_row_basis] row_basis;
  array[n_table, n_rows] int<lower=1> row_place;     // which each row is, level by level
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
  int n_here = 0;
  for (k in 1:N) n_here += told[k] == 2;
  int in_basis = 0;
  for (t in 1:n_table) {
    in_basis += table_rows[t] * q[table_of[t]];
    if (max(row_place[t]) > table_rows[t] * J[table_of[t]]) reject("curves ", t, " have no such row and level");
  }
  if (n_here != n_told || in_basis != n_row_basis) reject("the rows' sizes do not add up");
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  real shape = 1;
  if (likelihood > 2) shape = aux[1];
  target += rows_lpdf(sum_y | n, likelihood, predictors, predictors_of, row_offset, beta, curve_of, row_level,
                      row_Z, told, deviation, start, J, q, table_of, table_rows, row_basis, row_place, shape)
            + log_constant;
  if (likelihood == 3)
    target += total_n * (shape * log(shape) - lgamma(shape)) + (shape - 1) * total_log_y;
  else if (likelihood == 4)
    target += log_rising_of_one(n_above, k_above, excess, tally, moments, largest, shape);
}
