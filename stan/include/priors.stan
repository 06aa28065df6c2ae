  // Priors are data: a kind and up to three numbers each, in the order of winstan's prior objects.
  // 0 Flat, 1 Normal, 2 StudentT(nu), 3 Cauchy, 4 Exponential, 5 Gamma, 6 InverseGamma, 7 Beta, and
  // 11 HalfNormal, 12 HalfStudentT(nu), 13 HalfCauchy: twice the density on the positive half.
  real prior_lpdf(real x, int kind, row_vector p) {
    if (kind == 0) return 0;
    if (kind == 1) return normal_lpdf(x | p[1], p[2]);
    if (kind == 2) return student_t_lpdf(x | p[1], p[2], p[3]);
    if (kind == 3) return cauchy_lpdf(x | p[1], p[2]);
    if (kind == 4) return exponential_lpdf(x | p[1]);
    if (kind == 5) return gamma_lpdf(x | p[1], p[2]);
    if (kind == 6) return inv_gamma_lpdf(x | p[1], p[2]);
    if (kind == 7) {
      real lp = lgamma(p[1] + p[2]) - lgamma(p[1]) - lgamma(p[2]);
      if (p[1] != 1) lp += (p[1] - 1) * log(x);        // at one the ends have a density
      if (p[2] != 1) lp += (p[2] - 1) * log1m(x);
      return lp;
    }
    if (kind == 11) return log2() + normal_lpdf(x | 0, p[1]);
    if (kind == 12) return log2() + student_t_lpdf(x | p[1], 0, p[2]);
    if (kind == 13) return log2() + cauchy_lpdf(x | 0, p[1]);
    reject("unknown kind of prior: ", kind);
  }
