// Von Mises likelihood on cells, mean direction mu and concentration kappa: the count, direction and
// length of the sum of the unit vectors are sufficient. `lost` is the count less that length.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan

  // (1 - cos(mu - direction)) / 2, where mu is origin + 2 arctan(eta), or eta itself.
  vector square_half_sine(vector eta, int link, vector direction, real origin) {
    if (link == 8) {
      vector[num_elements(eta)] half = 0.5 * (direction - origin);
      return square(eta .* cos(half) - sin(half)) ./ (1 + square(eta));
    }
    if (link == 1) return square(sin(0.5 * (eta - direction)));
    reject("no direction for link code ", link);
  }

  // log(exp(-x) I0(x)) up to 30, where the trapezoidal rule for the mean of exp(x (cos(t) - 1)) over
  // a turn, of 48 nodes, is good to rounding.
  vector log_i0e_near(vector x) {
    int half = 24;
    vector[num_elements(x)] total = rep_vector(0.5, num_elements(x));
    for (j in 1:half)
      total += (j == half ? 0.5 : 1.0) * exp(-2 * square(sin(0.5 * pi() * j / half)) * x);
    return log(total / half);
  }

  // From 30 up, by its asymptotic series.
  vector log_i0e_far(vector x) {
    vector[num_elements(x)] w = inv(8 * x);
    vector[num_elements(x)] series = rep_vector(1, num_elements(x));
    for (i in 0:13) {
      int j = 14 - i;
      series = 1 + square(2 * j - 1) / (1.0 * j) * w .* series;
    }
    return log(series) - 0.5 * log(2 * pi() * x);
  }

  // x is split at 30: fmin(x, 30) and fmax(x, 30).
  vector log_i0e(vector x) {
    vector[num_elements(x)] beyond = abs(x - 30);
    return log_i0e_near(0.5 * (x + 30 - beyond)) + log_i0e_far(0.5 * (x + 30 + beyond))
           - log_i0e_far(rep_vector(30, 1))[1];
  }
}
data {
#include include/data.stan
  vector<lower=0>[C] n;
  vector[C] direction;
  vector<lower=0>[C] length;
  vector<lower=0>[C] lost;
  real origin;                                       // the direction of a linear predictor of zero
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
  if (block_of[1] > 0) {
    vector[C] kappa = mean_from(block_from(eta, block_of[1], C), beside_link[1]);
    vector[C] half = square_half_sine(block_from(eta, 1, C), link, direction, origin);
    target += log_constant - dot_product(n, log_i0e(kappa))
              - dot_product(kappa, lost + 2 * length .* half);
  } else {
    real total = sum(lost) + 2 * dot_product(length, square_half_sine(eta, link, direction, origin));
    target += log_constant - sum(n) * log_i0e(rep_vector(aux[1], 1))[1] - aux[1] * total;
  }
}
