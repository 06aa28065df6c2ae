  // The density of a gaussian model without its coefficients and effects, by what is sampled: priors and
  // Jacobians (term_covariances.stan), and the cross-products, which the patterns' covariances weigh.
  real integrated_density(vector raw, data matrix mixing, data vector location, data vector above,
                          data vector above_tail, data vector below, data vector below_tail, data array[] int q,
                          data array[] int n_sds, data array[] int correlated, data array[] int sd_of,
                          data array[] int length_of, data vector frequency, data matrix gram_of_terms,
                          data matrix contrasts, data array[] int sd_prior, data matrix sd_prior_p, data vector lkj,
                          data array[] int J, data array[] int column, data int width, data vector n_groups,
                          data array[] matrix to_covariance, data matrix products, data vector left,
                          data matrix prior, data real n_sigma, data int sigma_prior, data matrix sigma_prior_p);
