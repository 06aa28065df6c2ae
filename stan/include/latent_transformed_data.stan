#include include/correlation_transformed_data.stan
  if (q[latent] > 1 || J[latent] != n_correlated || !kept)
    reject("latent effects are not those of single rows");
