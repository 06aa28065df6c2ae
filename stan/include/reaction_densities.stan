  // log(Phi(x) exp(x^2 / 2)), in which nothing cancels: below -30 by Mills' ratio, as log_Phi.
  vector log_mills_tail(vector x) {
    vector[num_elements(x)] w = inv_square(x);
    return log1p(-w .* (1 - w .* (3 - w .* (15 - 105 * w)))) - log(-x);
  }

  vector log_scaled_Phi(vector x) {
    vector[num_elements(x)] beyond = abs(x + 30);
    vector[num_elements(x)] near = 0.5 * (x - 30 + beyond);
    return log(Phi(near)) + 0.5 * square(near) + log_mills_tail(0.5 * (x - 30 - beyond))
           - log_mills_tail(rep_vector(-30, 1))[1];
  }

  real exgaussian_scales_lpdf(vector value, vector tally, vector mu, vector sigma, vector beta) {
    vector[num_elements(value)] r = sigma ./ beta;
    vector[num_elements(value)] z = (value - mu) ./ sigma + inv(r);
    if (sum(square(r)) < 900)
      return dot_product(tally, log_Phi(z - r) - r .* (z - 0.5 * r) - log(beta));
    return dot_product(tally, log_scaled_Phi(z - r) - 0.5 * square(z) - log(beta));
  }

  real lognormal_scales_lpdf(vector log_value, vector tally, vector mu, vector sigma) {
    return -dot_product(tally, 0.5 * square((log_value - mu) ./ sigma) + log_value + log(sigma))
           - 0.5 * sum(tally) * log(2 * pi());
  }
