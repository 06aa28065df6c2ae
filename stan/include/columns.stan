  // The density of the responses by cross-products of all columns, the response's last: those of effects by
  // the roots of their terms' covariances (term_covariances.stan), and the prior of all columns.
  real columns_density(vector products, vector roots, data array[] int J, data array[] int q,
                       data array[] int correlated, data array[] int column, data matrix prior);
