  int<lower=0> M;                                    // group terms
  array[M] int<lower=1> J;                           // levels of each
  array[M] int<lower=1> q;                           // effects per level
  array[M] int<lower=0, upper=1> correlated;
  array[M] int<lower=0, upper=W> column;             // of its first effect; 0: of the factor
  int<lower=0> Q;                                    // sds of the effects, and length-scales
  array[M] int<lower=1> n_sds;                       // of each term
  int<lower=0> N;                                    // columns of effects: sum of q
  array[N] int<lower=1, upper=Q> sd_of;              // the sd of each (winstan/design/column_sds.py),
  array[N] int<lower=0, upper=Q> length_of;          // its length-scale, or 0,
  vector<lower=0>[N] frequency;                      // and at which its spectral density is taken
  array[Q] int sd_prior;                             // see priors.stan
  matrix[Q, 3] sd_prior_p;
  vector<lower=0>[M] lkj;                            // 1: flat on correlation matrices

  // Coordinates of the variances (winstan/marginal/variances.py). Of a term with several effects,
  // the log sd of what they add up to in the data, and contrasts of their log sds.
  int<lower=0> n_corr;                               // free correlations, over all terms
  int<lower=Q + n_corr> D;                           // these, and what the template adds
  matrix[Q, Q] gram_of_terms;                        // mean cross-products, block by block
  matrix[Q, Q] contrasts;                            // block by block, after a column of zeros
  vector[D] location;
  vector<lower=0>[D] above;                          // see winstan/marginal/monotone.py
  vector<lower=0>[D] above_tail;
  vector<lower=0>[D] below;
  vector<lower=0>[D] below_tail;
  matrix[D, D] mixing;                               // lower triangular
