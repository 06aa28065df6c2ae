// poisson and gamma with logarithmic link and one random intercept of many groups, whose effects are
// integrated out, group by group (include/group_integrals.hpp), and drawn afterwards. Everything else is
// as in their templates, which have neither rows nor group terms here, but the effects' sd.
functions {
#include include/priors.stan
#include include/matrices.stan

  // Sum of the groups' log densities. A group's rows tell its effect by shape * (known u - S exp(u)), S being
  // the sum of weight .* exp(sign * X * beta) over its rows; of gamma, where sign is -1, u is the effect's
  // negative.
  real groups_lpdf(vector known, data matrix X, data vector weight, array[] int last, data vector linear,
                   data real linear_offset, int sign, vector beta, real sd, real shape);
}
data {
#include include/data.stan
  int<lower=1> n_groups;
  int<lower=1> n_rows;
  matrix[n_rows, P] group_X;                         // group by group
  array[n_groups] int<lower=1, upper=n_rows> last;
  vector<lower=0>[n_groups] known;                   // poisson: sums of counts; gamma: numbers of rows
  int<lower=0, upper=1> weighted;
  vector<lower=0>[weighted ? n_rows : 0] weight;
  vector[P] linear;                                  // the sum of these times the predictors, over rows,
  real linear_offset;                                // and times the offsets
  int<lower=-1, upper=1> sign;
  real<lower=0> total_n;
  real total_log_y;                                  // gamma: of all rows
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
  if (rows > 0 || M > 0 || T > 0 || Q != 1) reject("there are rows or effects, or not one sd");
  if (last[n_groups] != n_rows) reject("the groups' rows do not add up");
  for (g in 2:n_groups) if (last[g] <= last[g - 1]) reject("group ", g, " has no rows");
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  real shape = 1;
  if (sign < 0) shape = aux[1];
  target += groups_lpdf(known | group_X, weight, last, linear, linear_offset, sign, beta, sd[1], shape) + log_constant;
  if (sign < 0)
    target += total_n * (shape * log(shape) - lgamma(shape)) + (shape - 1) * total_log_y;
}
