  // The density of the terms' sds and correlations by their priors and Jacobians; the coordinates, of which
  // they are the first; and of each term, column by column, the Cholesky factor of its effects' covariance.
  vector term_covariances(vector raw, data matrix mixing, data vector location, data vector above,
                          data vector above_tail, data vector below, data vector below_tail, data array[] int q,
                          data array[] int n_sds, data array[] int correlated, data array[] int sd_of,
                          data array[] int length_of, data vector frequency, data matrix gram_of_terms,
                          data matrix contrasts, data array[] int sd_prior, data matrix sd_prior_p,
                          data vector lkj);
