  int<lower=0> C;                                    // cells: distinct rows of predictors and groups
  int<lower=0> rows;                                 // of the linear predictor: C for each block, which
                                                     // are the mean, and other predicted parameters
  int<lower=0> P;                                    // population coefficients, intercept first
  int<lower=0> D;                                    // distinct rows of the coefficients' predictors
  matrix[D, P] X;
  array[rows] int<lower=1, upper=D> row;             // D = rows: each its own, in order
  vector[rows] offsets;
  int<lower=1> link;                                 // see links.stan
  int<lower=0> n_beside;                             // parameters beside the mean:
  array[n_beside] int<lower=0> block_of;             // the block that predicts each, or 0
  array[n_beside] int<lower=0> number_of;            // its place among those that are numbers, or 0
  array[n_beside] int<lower=1> beside_link;

  int<lower=0> M;                                    // group terms
  array[M] int<lower=1> J;                           // levels of each
  array[M] int<lower=1> q;                           // effects per level
  array[M] int<lower=0, upper=1> correlated;
  array[M, rows] int<lower=1> level;
  int<lower=0> Q;                                    // sds of the effects, and length-scales
  int<lower=0> N;                                    // columns of effects: sum of q
  array[N] int<lower=1, upper=Q> sd_of;              // the sd of each (winstan/design/column_sds.py),
  array[N] int<lower=0, upper=Q> length_of;          // its length-scale, or 0,
  vector<lower=0>[N] frequency;                      // and at which its spectral density is taken
  array[M] int<lower=0> n_distinct;                  // distinct rows of a term's predictors; 0: not told
  int<lower=0> n_plain;
  matrix[rows, n_plain] Z;                           // predictors of the effects where they are not,
  array[n_plain] int<lower=0, upper=1> ones;         // and whether they are all one
  int<lower=0> n_basis;
  vector[n_basis] basis;                             // the distinct rows, column by column,
  array[M] int<lower=0, upper=1> along_rows;         // which are those of X: curves of all rows
  int<lower=0> n_place;
  array[n_place] int<lower=1> place;                 // else which each row is, level by level
  int<lower=0> T;                                    // sum of J .* q
  int<lower=0, upper=T> W;                           // effects drawn with the coefficients
  array[M] int<lower=1, upper=T> start;              // where a term starts in T; the largest is last
  array[M] int<lower=1, upper=M> order;              // each term after those that it takes of

  // Effects are sampled as standard scores of their approximate posterior, given sds and the mean of
  // their totals (winstan/coordinates/standard.py).
  array[M] int<lower=0, upper=1> informed;           // 0: of their prior
  vector[T] score;                                   // of the likelihood, at effects of zero,
  int<lower=0, upper=P> n_centred;                   // of which a coefficient's move takes its share
  array[n_centred] int<lower=1, upper=P> centred_by;  // n_centred = P: all of them, in order
  matrix[T, n_centred] information_centring;
  array[M] int<lower=0> n_classes;                   // classes of levels; 0: each its own
  int<lower=0> n_information;
  vector[n_information] information;                 // information of the data, by class or by level
  int<lower=0> n_class_sizes;
  vector<lower=1>[n_class_sizes] class_size;         // levels of each
  int<lower=0> n_class_of;
  array[n_class_of] int<lower=1> class_of;           // of each level, where there are several effects
  int<lower=0, upper=1> kept;                        // whether deviations are asked for again
  int<lower=0> E;                                    // pairs of nested terms, effect by effect
  array[E] int<lower=1, upper=M> nested;             // the nested term, and its effect's first place
  array[E] int<lower=1, upper=T> nested_start;
  array[E] int<lower=1, upper=T> parent_start;
  int<lower=0> n_parent;
  array[n_parent] int<lower=1> parent_level;         // of each nested level
  vector[n_parent] parent_information;               // what its deviation takes of the score

  int<lower=0> n_crossed;                            // effects crossed with the largest term's: 0 or W
  matrix[n_crossed ? T - W : 0, n_crossed] crossed;  // what each takes of its score
  int<lower=0, upper=M> n_leading;                   // terms of which the coefficients follow
  array[n_leading] int<lower=1, upper=M> leading;
  matrix[n_leading ? P : 0, n_leading ? W : 0] compensation;
  vector[n_leading ? P : 0] compensation_location;

  array[P] int beta_prior;                           // see priors.stan
  matrix[P, 3] beta_prior_p;
  int<lower=0> n_bounded;                            // coefficients between bounds, infinite or not:
  array[n_bounded] int<lower=1, upper=P> bounded_at; // curves of what is sampled, straight far from them
  matrix[P, n_bounded] bounded_place;                // one in the row of each
  vector[n_bounded] lower_bound;
  vector[n_bounded] upper_bound;
  vector<lower=0>[n_bounded] bound_width;
  real bound_constant;                               // of their prior and Jacobian
  int<lower=0> n_shrunk;                             // coefficients that share a prior of their sds
  array[n_shrunk] int<lower=1, upper=P> shrunk_at;   // (winstan/shrinkage.py)
  matrix[P, n_shrunk] shrunk_place;
  int<lower=0, upper=1> by_explained;                // 0: regularised horseshoe, 1: R2D2
  vector<lower=0>[n_shrunk] shrunk_unit;
  int<lower=0> shrunk_sigma;                         // place of sigma, in whose units the sds are, or 0
  int<lower=0> shrunk_from;                          // places of the prior's own numbers
  vector<lower=0>[n_shrunk] shrunk_information;      // information of the data
  vector[n_shrunk] shrunk_score;
  vector<lower=0>[n_shrunk] shrunk_root;
  int<lower=0> n_mono;                               // ordered predictors of monotonic effects
  array[n_mono] int<lower=2> mono_steps;             // (winstan/monotonic.py); steps of each,
  array[n_mono] int<lower=0> mono_from;              // numbers before its simplex's pieces
  array[n_mono, rows] int<lower=1> mono_at;          // each row's category, the lowest is 1
  int<lower=0> n_product;                            // sets of predictors that share a column
  array[n_product, n_mono] int<lower=0, upper=1> in_product;
  int<lower=0> n_curved;                             // coefficients of such columns: their place,
  array[n_curved] int<lower=0, upper=P> curved_at;   // or 0 where they are constant,
  vector[n_curved] curved_constant;                  // and what they then are
  array[n_curved] int<lower=1, upper=n_product> curved_product;
  matrix[rows, n_curved] curved_x;                   // with equal steps; what centring takes of them;
  matrix[rows, n_curved] curved_center;
  matrix[rows, n_curved] curved_reference;           // as X has them
  array[n_curved] int<lower=0, upper=1> curved_scaled;  // coordinates (winstan/coordinates/monotonic.py)
  matrix[rows, n_curved] curved_slope;
  matrix[rows, n_curved] curved_mean;
  matrix[P, n_curved] curved_place;                  // one in the row of each
  vector[n_curved > 0 ? P : 0] intercept_place;
  vector[n_curved > 0 ? rows : 0] intercept_rows;
  array[N] int<lower=0, upper=n_product> effect_product;
  array[Q] int sd_prior;
  matrix[Q, 3] sd_prior_p;
  vector<lower=0>[M] lkj;                            // 1: flat on correlation matrices
  int<lower=0> A;                                    // auxiliary parameters: sigma, alpha, nu
  array[A] int<lower=1, upper=3> aux_domain;         // positive, real, between 0 and 1
  array[A] int aux_prior;
  matrix[A, 3] aux_prior_p;

  // Location and scale of the posterior by a quick approximate fit: the sampler then starts, and
  // moves, in units in which everything is of order one. They change no posterior.
  vector[P] beta_location;
  int<lower=0, upper=P + W> n_sd_scaled;             // joint coordinates, from the first, up to the last
  vector<lower=0>[n_sd_scaled] sd_scale_base;        // whose scale follows the sds
  matrix<lower=0>[n_sd_scaled, Q] sd_scale_slope;
  int<lower=0, upper=1> sd_scale_bounded;            // whether priors bound some of these scales
  vector<lower=0>[sd_scale_bounded ? n_sd_scaled : 0] sd_scale_bound;
  int<lower=0, upper=P> n_sd_covariance;             // the first, whose covariance follows the effects'
  array[n_sd_covariance, n_sd_covariance] real sd_covariance_base;
  int<lower=0> n_covariance_growth;                  // entries of effects' covariances: term, row, column
  array[n_covariance_growth, 3] int<lower=1> covariance_growth_of;
  array[n_covariance_growth, n_sd_covariance, n_sd_covariance] real covariance_growth;
  int<lower=0> n_dense;                              // their scale is one matrix (n_dense = P + W),
  matrix[n_dense, n_dense] joint_scale;
  vector[n_dense > 0 ? 0 : P + W] diagonal_scale;    // or diagonal + left * right
  int<lower=0> n_low_rank;
  matrix[P + W, n_low_rank] low_rank_left;
  matrix[n_low_rank, P + W] low_rank_right;
  vector[T - W] eliminated_scale;                    // the other effects given these
  int<lower=0> n_regression;                         // and how they follow these: a sparse matrix
  vector[n_regression] regression_w;
  array[n_regression] int<lower=1, upper=P + W> regression_v;
  array[T - W + 1] int<lower=1, upper=n_regression + 1> regression_u;
  int<lower=0, upper=1> sd_dependent;                // coefficients and scores follow the sds, from:
  vector[Q] sd_reference;
  matrix[sd_dependent ? P + T : 0, Q] sd_location;   // their middles
  matrix[sd_dependent ? P + T : 0, Q] sd_log_scale;  // and their scales' logarithms
  vector[Q] log_sd_location;
  vector<lower=0>[Q] log_sd_scale;
  vector[Q] log_sd_skew;                             // of either sign, smaller than the scale
  int<lower=0, upper=1> sds_correlated;              // whether the sds' coordinates are
  matrix[Q, Q] sd_correlation_root;                  // lower triangular, rows of length one
  int<lower=0> n_corr;                               // free correlations, over all terms
  vector[n_corr] corr_location;
  vector<lower=0>[n_corr] corr_scale;
  vector[A] aux_location;
  vector<lower=0>[A] aux_scale;
  vector[A] aux_skew;                                // less slope below the knot: less than the scale
  vector[A] aux_knot;
  vector<lower=0>[A] aux_taper;                      // of both tails, which are shorter than normal
  int<lower=0, upper=1> sigma_follows_nu;            // the first of two (winstan/approximation/student.py)
  int<lower=0, upper=1> aux_regressed;               // whether numbers follow later ones:
  matrix[A, A] aux_regression;                       // strictly upper triangular
  int<lower=0, upper=A> profiled;                    // number by which all else is curved, or 0, as
  int<lower=0> n_profile;                            // polynomials (winstan/coordinates/profiled.py):
  matrix[A, n_profile] profile_aux;                  // other numbers, and their scales' logarithms,
  matrix[A, n_profile] profile_aux_log_scale;
  matrix[Q, n_profile] profile_log_sd;
  matrix[profiled ? P + T : 0, n_profile] profile_location;  // coefficients and scores, and theirs
  matrix[profiled ? P + T : 0, n_profile] profile_log_scale;
