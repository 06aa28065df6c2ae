  // The normal posterior of coefficients and effects given sds and a number, the noise
  // (winstan/coordinates/conditional.py): of rows that have information.
  int<lower=0> n_told;                               // rows, and n_given coefficients and effects that
  int<lower=0> n_given;                              // they tell: P and, term by term, levels' effects
  array[M] int<lower=0> levels_given;
  matrix[n_told, n_given] given_columns;
  matrix[P + W, n_given] given_joint;                // ones at their places
  matrix[T - W, n_given] given_rest;
  int<lower=0> noise_number;                         // place among the auxiliary ones, or 0: positive
  real noise_power;
  vector<lower=0>[n_told] scaled_information;        // by that power of it
  vector<lower=0>[n_told] fixed_information;
  vector[n_told] given_response;
