  int<lower=0> C;                                    // cells: distinct rows of predictors and groups
  int<lower=0> P;                                    // population coefficients, intercept first
  matrix[C, P] X;
  vector[C] offsets;
  int<lower=1> link;                                 // see links.stan

  int<lower=0> M;                                    // group terms
  array[M] int<lower=1> J;                           // levels of each
  array[M] int<lower=1> q;                           // effects per level
  array[M] int<lower=0, upper=1> correlated;
  array[M] int<lower=0> centered;                    // directions sampled as totals: the first ones
  array[M, C] int<lower=1> level;
  int<lower=0> Q;                                    // sum of q
  matrix[C, Q] Z;                                    // predictors of the effects, in directions
  int<lower=0> T;                                    // sum of J .* q
  matrix[T, P] carried;                              // totals' mean is carried * beta, and
  array[M] int<lower=1> order;                       // (each term after those that it is nested in)
  int<lower=0> E;                                    // for each pair of nested terms
  array[E] int<lower=1> inner;
  array[E] int<lower=1> outer;
  int<lower=0> q_max;
  array[E] matrix[q_max, q_max] pass;                // the outer deviations, turned by this
  array[M] int<lower=0, upper=1> turned;             // directions are not the effects themselves
  array[M] matrix[q_max, q_max] turn;                // effects -> directions
  int<lower=0> n_outer;
  array[n_outer] int<lower=1> outer_level;           // of each inner level, pair by pair

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
  vector[T] effect_location;
  int<lower=0> W;                                    // effects drawn with the coefficients
  matrix[P + W, P + W] joint_scale;
  int<lower=0> n_rest;                               // the other effects given these: a sparse matrix
  vector[n_rest] rest_w;
  array[n_rest] int rest_v;
  array[T - W + 1] int rest_u;
  array[T] int<lower=1> place;                       // of each effect: W first, then the others
  vector[Q] log_sd_location;
  vector<lower=0>[Q] log_sd_scale;
  vector[Q] log_sd_bend;                             // of either sign, smaller than the scale
  int<lower=0> n_corr;                               // free correlations, over all terms
  vector[n_corr] corr_location;
  vector<lower=0>[n_corr] corr_scale;
  vector[A] log_aux_location;
  vector<lower=0>[A] log_aux_scale;
