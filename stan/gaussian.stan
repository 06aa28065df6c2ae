// Gaussian likelihood on cells: count, mean and within-cell sum of squares are sufficient.
// Where cells are many and the link the identity, their sum of squares comes as a quadratic form in
// coefficients and effects instead (winstan/backends/quadratic_form.py), and there are no cells.
// Serves gaussian, and lognormal (statistics of log y; its Jacobian is in log_constant).
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan

  real gaussian_log_density(real ss, real n_rows, real sigma) {
    return -n_rows * (0.5 * log(2 * pi()) + log(sigma)) - 0.5 * ss / square(sigma);
  }

  // Where sigma has a formula: ss is about each cell's mean.
  real gaussian_cells_lpdf(vector mean_y, vector n, vector ss, vector mu, vector sigma) {
    return -sum(n) * 0.5 * log(2 * pi()) - dot_product(n, log(sigma))
           - 0.5 * dot_product(ss + n .* square(mean_y - mu), inv_square(sigma));
  }
}
data {
#include include/data.stan
  vector<lower=0>[C] n;
  vector[C] mean_y;
  real<lower=0> ss_base;                             // within all cells; or all of it, at no deviation
  vector<lower=0>[n_beside > 0 && block_of[1] > 0 ? C : 0] ss_within;
  real<lower=0> n_rows;
  real log_constant;

  int<lower=0, upper=1> form;                        // 0: the cells serve
  vector[form ? P : 0] coefficient_slope;
  matrix[form ? P : 0, form ? P : 0] coefficient_form;
  matrix[form ? T : 0, form ? P : 0] cross_form;
  vector[form ? T : 0] effect_location;              // deviations are from these
  vector[form ? T : 0] form_slope;
  vector[form ? T : 0] form_diagonal;
  int<lower=0> n_form;                               // what is above the diagonal, sparse
  vector[n_form] form_w;
  array[n_form] int<lower=1, upper=T> form_v;
  array[form ? T + 1 : 0] int<lower=1, upper=n_form + 1> form_u;
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
  if (block_of[1] > 0) {
    target += gaussian_cells_lpdf(mean_y | n, ss_within, mean_from(block_from(eta, 1, C), link),
                                  mean_from(block_from(eta, block_of[1], C), beside_link[1]))
              + log_constant;
  } else {
    real ss;
    if (form) {
      vector[T] from = deviation - effect_location;
      ss = ss_base - 2 * dot_product(form_slope, from) + dot_product(form_diagonal, square(from))
           + dot_product(moved, coefficient_form * moved - 2 * coefficient_slope);
      if (T > 0) ss += 2 * dot_product(from, cross_form * moved);
      if (n_form > 0)
        ss += 2 * dot_product(from, csr_matrix_times_vector(T, T, form_w, form_v, form_u, from));
    } else {
      ss = ss_base + dot_product(n, square(mean_y - mean_from(eta, link)));
    }
    target += gaussian_log_density(ss, n_rows, aux[1]) + log_constant;
  }
}
