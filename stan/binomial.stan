// Binomial likelihood on cells: successes and trials are sufficient; the binomial coefficients are
// in log_constant. Serves binomial, and bernoulli (one trial a row).
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan

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

  real binomial_cells_lpdf(vector sum_y, vector n, vector eta, int link) {
    if (link == 3) {
      // log1p_exp, log1p are not vectorised; stanc makes them of 1 + exp, not of half of it.
      vector[num_elements(eta)] size = abs(eta);
      return dot_product(sum_y - 0.5 * n, eta) - log2() * sum(n)
             - dot_product(n, 0.5 * size + log(0.5 + 0.5 * exp(-size)));
    }
    if (link == 5)
      return dot_product(sum_y, log1m_exp(-exp(eta))) - dot_product(n - sum_y, exp(eta));
    return dot_product(sum_y, log_Phi(eta)) + dot_product(n - sum_y, log_Phi(-eta));
  }
}
data {
#include include/data.stan
  vector<lower=0>[C] n;                              // trials
  vector<lower=0>[C] sum_y;                          // successes
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  target += binomial_cells_lpdf(sum_y | n, eta, link) + log_constant;
}
