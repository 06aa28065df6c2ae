  // Logarithms of a probability by its link, and of one less it, exact far out in both tails.
  // Mills' ratio by its asymptotic series, good to rounding below -30.
  vector log_Phi_tail(vector x) {
    vector[num_elements(x)] w = inv_square(x);
    return -0.5 * square(x) - log(-x) + log1p(-w .* (1 - w .* (3 - w .* (15 - 105 * w))));
  }

  // std_normal_lcdf's derivative is good to five digits only; log(Phi) is, where Phi is not zero to
  // rounding. Beyond, x is split at -30: fmax(x, -30) and fmin(x, -30).
  vector log_Phi(vector x) {
    vector[num_elements(x)] beyond = abs(x + 30);
    return log(Phi(0.5 * (x - 30 + beyond))) + log_Phi_tail(0.5 * (x - 30 - beyond))
           - log_Phi_tail(rep_vector(-30, 1))[1];
  }

  // log1p_exp, log1p are not vectorised; stanc makes them of 1 + exp, not of half of it.
  vector log_probability_from(vector eta, int link) {
    if (link == 3) {
      vector[num_elements(eta)] size = abs(eta);
      return 0.5 * (eta - size) - log(0.5 + 0.5 * exp(-size)) - log2();
    }
    if (link == 4) return log_Phi(eta);
    if (link == 5) return log1m_exp(-exp(eta));
    reject("no probability for link code ", link);
  }

  vector log_complement_from(vector eta, int link) {
    if (link == 3) {
      vector[num_elements(eta)] size = abs(eta);
      return -0.5 * (eta + size) - log(0.5 + 0.5 * exp(-size)) - log2();
    }
    if (link == 4) return log_Phi(-eta);
    if (link == 5) return -exp(eta);
    reject("no probability for link code ", link);
  }
