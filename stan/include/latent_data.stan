  int<lower=1, upper=M> latent;                      // the term of single rows' effects, which are correlated,
  int<lower=1, upper=Q> latent_sd;                   // its sd,
  array[C] int<lower=1, upper=n_correlated> latent_level;  // and its level of each cell
