// Student-t likelihood of rows that are correlated within units: the multivariate t of each unit, of scale
// sigma and nu degrees of freedom.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/correlation.stan
#include include/links.stan

  // Of units, one after another, of rows that a root has made independent.
  real student_units_lpdf(vector white, array[] int unit_size, real nu) {
    int at = 1;
    real out = -0.5 * num_elements(white) * log(nu * pi()) - size(unit_size) * lgamma(0.5 * nu);
    for (n in unit_size) {
      real square_of = dot_self(segment(white, at, n));
      out += lgamma(0.5 * (nu + n)) - 0.5 * (nu + n) * log1p(square_of / nu);
      at += n;
    }
    return out;
  }
}
data {
#include include/data.stan
#include include/correlation_data.stan
  array[n_correlated] int<lower=1, upper=C> cell;    // of each row,
  vector[n_correlated] value;                        // and its response
  int<lower=1> n_units;
  array[n_units] int<lower=1> unit_size;
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
#include include/correlation_transformed_data.stan
  if (sum(unit_size) != n_correlated) reject("units have other rows");
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  vector[n_numbers] number = segment(free_aux, A - n_numbers + 1, n_numbers);
  vector[n_correlated] scale
    = parameter_from(eta, aux, block_of[1], number_of[1], beside_link[1], C)[cell];
  vector[n_correlated] error = (value - mean_from(block_from(eta, 1, C), link)[cell]) ./ scale;
  vector[n_correlated] white
    = by_root_lp(error[by_unit], 1, number, structure, distance, whole_distance, distance_of, longest, n_visits,
                 pattern_size, units_of_pattern, pattern_places);
  target += correlation_lpdf(number | structure, number_prior_p, n_visits, time_unit) - sum(log(scale))
            + log_constant + student_units_lpdf(white | unit_size, aux[number_of[2]]);
}
