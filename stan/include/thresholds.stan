  // An ordered vector of n thresholds that the linear predictor is held against. Sampled are an
  // Intercept and n - 1 positive steps, the numbers aux after the first `before`: cutpoint (n + 1) / 2
  // is zero, and threshold k is cutpoint k less the Intercept (winstan/families/ordered.py).
  vector cutpoints_from(vector aux, int before, int n) {
    int middle = (n + 1) %/% 2;
    vector[n] c = rep_vector(0, n);
    for (k in (middle + 1):n) c[k] = c[k - 1] + aux[before + k - 1];
    for (back in 1:(middle - 1)) {
      int k = middle - back;
      c[k] = c[k + 1] - aux[before + k];
    }
    return c;
  }

  // Log density of thresholds by a prior of each (priors.stan), or by one of the probabilities of the
  // categories, Dirichlet(p[1]), but for the powers of these: they are further counts.
  real log_prior_of_thresholds(vector threshold, data int kind, data row_vector p, int link) {
    int n = num_elements(threshold);
    real lp = 0;
    if (kind == 21) lp = lgamma((n + 1) * p[1]) - (n + 1) * lgamma(p[1]);
    for (k in 1:n) {
      real x = threshold[k];
      if (kind != 21) lp += prior_lpdf(x | kind, p);
      else if (link == 4) lp += std_normal_lpdf(x);
      else if (link == 5) lp += x - exp(x);
      else lp += -x - 2 * log1p_exp(-x);
    }
    return lp;
  }
