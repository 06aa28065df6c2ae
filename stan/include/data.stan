  int<lower=0> C;                                    // cells: distinct rows of predictors and groups
  int<lower=0> P;                                    // population coefficients, intercept first
  matrix[C, P] X;                                    // what no centred group term carries of them
  vector[C] offsets;
  int<lower=1> link;                                 // see links.stan

  int<lower=0> M;                                    // group terms
  array[M] int<lower=1> J;                           // levels of each
  array[M] int<lower=1> q;                           // effects per level
  array[M] int<lower=0, upper=1> correlated;
  array[M] int<lower=0, upper=1> centered;           // effects sampled as totals, not as z-scores
  array[M, C] int<lower=1> level;
  int<lower=0> Q;                                    // sum of q
  matrix[C, Q] Z;                                    // predictors of the effects, in their basis
  matrix[Q, P] B;                                    // effects' mean is B * beta (0: not centered)
  int<lower=0> q_max;
  array[M] matrix[q_max, q_max] basis;               // sampled totals -> totals of the raw effects

  array[P] int beta_prior;                           // see priors.stan
  matrix[P, 3] beta_prior_p;
  array[Q] int sd_prior;
  matrix[Q, 3] sd_prior_p;
  vector<lower=0>[M] lkj;                            // 1: flat on correlation matrices
  int<lower=0> A;                                    // auxiliary parameters: sigma, alpha, nu
  array[A] int aux_prior;
  matrix[A, 3] aux_prior_p;

  // Location and scale of the posterior by a quick approximate fit: the sampler then starts, and
  // moves, in units in which everything is of order one. They change no posterior.
  vector[P] beta_location;
  matrix[P, P] beta_scale;                           // Cholesky factor
  vector[Q] log_sd_location;
  vector<lower=0>[Q] log_sd_scale;
  int<lower=0> T;                                    // sum of J .* q
  vector[T] effect_location;
  vector<lower=0>[T] effect_scale;
  vector[A] log_aux_location;
  vector<lower=0>[A] log_aux_scale;
