// Binomial likelihood on cells: successes and trials are sufficient; the binomial coefficients are
// in log_constant. Serves binomial, and bernoulli (one trial a row).
functions {
#include include/priors.stan
#include include/links.stan

  // std_normal_lcdf's derivative is good to five digits only, so it serves just the far tail,
  // where Phi is zero to rounding.
  real log_Phi(real x) {
    return x > -30 ? log(Phi(x)) : std_normal_lcdf(x | );
  }

  real binomial_cells_lpdf(vector sum_y, vector n, vector eta, int link) {
    if (link == 3) return dot_product(sum_y, eta) - dot_product(n, log1p_exp(eta));
    if (link == 5)
      return dot_product(sum_y, log1m_exp(-exp(eta))) - dot_product(n - sum_y, exp(eta));
    real lp = 0;                                     // probit
    for (i in 1:num_elements(eta)) {
      if (sum_y[i] > 0) lp += sum_y[i] * log_Phi(eta[i]);
      if (n[i] > sum_y[i]) lp += (n[i] - sum_y[i]) * log_Phi(-eta[i]);
    }
    return lp;
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
transformed parameters {
#include include/correlations.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  target += binomial_cells_lpdf(sum_y | n, eta, link) + log_constant;
}
