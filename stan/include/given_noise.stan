  // What the normal posterior given sds and the noise adds to standard scores x of what its rows tell
  // (conditional.stan), and, last, the logarithm of the Jacobian.
  array[] real change_given_noise(array[] real x, real log_noise, vector column_sd, vector corr_factor,
                                  data matrix columns, data vector fixed, data vector scaled, data real power,
                                  data vector response, data array[] int q, data array[] int levels,
                                  data array[] int correlated);
