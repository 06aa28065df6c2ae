// Censored and truncated responses, and known standard errors, of several families. Measured rows keep
// their sums or tallies by part of a cell (one of known error); a tally of intervals (low, high], one end
// open or none, has the probability of each, of negative tally where truncation divides by it.
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
#include include/probabilities.stan
#include include/rising.stan
#include include/relative_squares.stan
#include include/reaction_densities.stan

  // The smaller tail of a gamma distribution of rate one, or nearly (winstan/families/tails.py): above
  // x if `above`, else below.
  real gamma_log_tail(real shape, real x, int above, vector node, vector weight) {
    real own = shape * log(x) - x - lgamma(shape);
    real rate;
    if (above) {
      rate = (x - shape + 1 + sqrt(shape)) / x;
      if (rate > 1) rate = 1;
      vector[num_elements(node)] t = node / rate;
      return own - log(x) - log(rate)
             + log(dot_product(weight, exp((shape - 1) * log1p(t / x) - t)));
    }
    rate = abs(x - shape) + sqrt(x);
    if (rate > shape) rate = shape;
    vector[num_elements(node)] t = node / rate;
    return own - log(rate) + log(dot_product(weight, exp(x * (1 - exp(-t)) - shape * t)));
  }

  // Student's t beyond x sqrt(nu), x from zero up.
  real student_log_tail(real x, real nu, vector node, vector weight) {
    real root = sqrt(1 + square(x));
    real falling = inv_square(x + root);
    real rate = (nu * x + sqrt(nu)) / root;
    if (rate > nu) rate = nu;
    vector[num_elements(node)] t = node / rate;
    return lgamma(0.5 * (nu + 1)) - lgamma(0.5 * nu) - 0.5 * log(pi()) - 0.5 * nu * log1p(square(x))
           - log(rate)
           + log(dot_product(weight, exp(-nu * (t + log1p(falling * exp(-2 * t)) - log1p(falling)))));
  }

  // Counts of mean mu and variance mu + mu^2 / alpha: more than y if `more`, else up to y.
  real negative_binomial_log_tail(real y, real log_mu, real alpha, int more, vector node,
                                  vector weight) {
    real above = y + 1;
    real ratio = exp(log_mu) / alpha;
    real damping = log1p(ratio);
    real p = ratio / (1 + ratio);
    real q = inv(1 + ratio);
    real a = more ? above : alpha;
    real b = more ? alpha : above;
    real odds = more ? ratio : inv(ratio);
    real own = above * (log_mu - damping) - alpha * damping + log1p(y / alpha) - lgamma(above)
               + log_rising([y]', [1]', [alpha]');
    real rate;
    if (b <= a) {
      rate = a - (b - 1 - sqrt(b)) * odds;
      if (rate > a) rate = a;
      vector[num_elements(node)] t = node / rate;
      return own - log(more ? q : p) - log(rate)
             + log(dot_product(weight, exp((b - 1) * log1p(-odds * expm1(-t)) - a * t)));
    }
    real u = more ? p : q;
    rate = abs(a - (a + b) * u) + sqrt((a + b) * p * q);
    if (rate > a) rate = a;
    vector[num_elements(node)] t = node / rate;
    return own - log(rate)
           + log(dot_product(weight, exp(-(a + b) * log1p(u * expm1(-t)) - a * t)));
  }

  // Logarithms of the tails of a normal variable and, of mean b, an exponential one; no difference
  // is of numbers that are nearly equal, but for an exponential part that hardly matters.
  array[] vector exgaussian_log_tails(vector y, vector mu, vector sigma, vector b) {
    vector[num_elements(y)] z = (y - mu + b) ./ sigma;
    vector[num_elements(y)] late = log_scaled_Phi(z - sigma ./ b) - 0.5 * square(z);
    vector[num_elements(y)] below = log_Phi(z);
    vector[num_elements(y)] above = log_Phi(-z);
    vector[num_elements(y)] gap = abs(late - above);
    return {below + log1m_exp(late - below), 0.5 * (late + above + gap) + log1p(exp(-gap))};
  }

  // Those of an inverse Gaussian: see winstan/families/inverse_gaussian.py.
  array[] vector inverse_gaussian_log_tails(vector y, vector log_mu, vector lam) {
    vector[num_elements(y)] root = sqrt(lam ./ y);
    vector[num_elements(y)] ratio = y .* exp(-log_mu);
    vector[num_elements(y)] a = root .* (ratio - 1);
    vector[num_elements(y)] scaled = log_scaled_Phi(-root .* (ratio + 1));
    vector[num_elements(y)] below = log_Phi(a);
    return {below + log1p(exp(scaled - 0.5 * square(a) - below)),
            log_Phi(-a) + log1m_exp(scaled - log_scaled_Phi(-a))};
  }

  // Those of a lognormal above a shift b: none is at the shift, or below it.
  array[] vector shifted_log_tails(vector y, vector mu, vector sigma, vector b) {
    vector[num_elements(y)] beyond;
    for (i in 1:num_elements(y)) beyond[i] = fmax(y[i] - b[i], 1e-300);
    vector[num_elements(y)] z = (log(beyond) - mu) ./ sigma;
    return {log_Phi(z), log_Phi(-z)};
  }

  // Logarithms of P(Y <= y) and P(Y > y); first is the mean, its logarithm, or that of a scale.
  array[] vector log_tails(int base, vector y, vector first, vector a, vector b, vector node,
                           vector weight) {
    int n = num_elements(y);
    array[2] vector[n] out;
    if (base == 1) {
      vector[n] z = (y - first) ./ a;
      vector[2 * n] both = log_Phi(append_row(z, -z));
      return {both[1:n], both[(n + 1):(2 * n)]};
    }
    if (base == 5 || base == 6) {
      vector[n] power = exp(a .* (log(y) - first));
      return {log1m_exp(-power), -power};
    }
    if (base == 8) return inverse_gaussian_log_tails(y, first, a);
    if (base == 9) return exgaussian_log_tails(y, first, a, b);
    if (base == 10) return shifted_log_tails(y, first, a, b);
    for (i in 1:n) {
      int above;
      real tail;
      if (base == 2) {
        real z = (y[i] - first[i]) / a[i];
        above = 0 <= z;
        tail = student_log_tail((above ? z : -z) * inv_sqrt(b[i]), b[i], node, weight);
      } else if (base == 7) {
        real rest = (y[i] + 1 + a[i]) * inv(1 + exp(first[i]) / a[i]);
        above = (a[i] > 0.03 ? a[i] : 0.03) <= rest;
        tail = negative_binomial_log_tail(y[i], first[i], a[i], above, node, weight);
      } else {
        real shape = base == 3 ? a[i] : y[i] + 1;
        real x = exp(base == 3 ? log(a[i] * y[i]) - first[i] : first[i]);
        int beyond = shape <= x && 1 <= x;
        tail = gamma_log_tail(shape, x, beyond, node, weight);
        above = base == 3 ? beyond : 1 - beyond;       // more than y events take less than mu
      }
      out[above + 1, i] = tail;
      out[2 - above, i] = log1m_exp(tail);
    }
    return out;
  }
}
data {
#include include/data.stan
  // Normal, Student's t, gamma, Poisson, exponential, Weibull, negative binomial, inverse Gaussian,
  // exponentially modified normal, shifted lognormal.
  int<lower=1, upper=10> base;
  int<lower=0, upper=1> with_sigma;                  // 0: known errors alone
  int<lower=0> parts;
  array[parts] int<lower=1, upper=C> cell_of;
  vector<lower=0>[parts] known_error;
  vector<lower=0>[base == 2 || base == 6 || base > 8 ? 0 : parts] n;
  vector[base == 1 || base == 5 || base == 8 ? parts : 0] mean_y;
  vector<lower=0>[base == 1 ? parts : 0] ss_within;
  vector<lower=0>[base == 3 || base == 4 || base == 7 ? parts : 0] sum_y;
  vector[base == 3 ? parts : 0] sum_log_y;
  int<lower=0> V;                                    // distinct (part, value) pairs
  array[V] int<lower=1, upper=parts> cell;
  vector[base == 2 || base > 8 ? V : 0] value;
  vector[base == 6 ? V : 0] log_value;
  vector<lower=0>[base == 7 ? V : base == 8 ? parts : 0] excess;
  int<lower=0, upper=1> linear;                      // the variance, in the mean
  real<lower=0> least;                               // what a shift is a share of
  vector<lower=0>[V] tally;
  real log_constant;
  int<lower=0> n_left;                               // intervals open below, open above, and others
  int<lower=0> n_right;
  int<lower=0> n_between;
  // Ends of the intervals: those that are open on one side, then the lower ones of the others, then
  // their upper ones.
  array[n_left + n_right + 2 * n_between] int<lower=1, upper=parts> end_part;
  vector[n_left + n_right + 2 * n_between] interval_end;
  vector[n_left + n_right + n_between] interval_tally;
}
transformed data {
#include include/transformed_data.stan
  vector[36] tau;
  for (k in 1:36) tau[k] = -3.2 + 0.2 * (k - 1);
  vector[36] node = exp(tau - exp(-tau));
  vector[36] weight = 0.2 * node .* (1 + exp(-tau));
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  vector[parts] first;                               // of each part: the mean, or its logarithm;
  vector[parts] a = rep_vector(1, parts);            // the scale, or the shape;
  vector[parts] b = a;                               // degrees of freedom, or a second scale
  if (base < 3) {
    first = mean_from(block_from(eta, 1, C), link)[cell_of];
    a = known_error;
    if (with_sigma)
      a = sqrt(square(known_error)
               + square(parameter_from(eta, aux, block_of[1], number_of[1], beside_link[1], C)[cell_of]));
    if (base == 2) {
      int k = 1 + with_sigma;
      b = parameter_from(eta, aux, block_of[k], number_of[k], beside_link[k], C)[cell_of];
    }
  } else if (base > 8) {
    first = mean_from(block_from(eta, 1, C), link)[cell_of];
    a = parameter_from(eta, aux, block_of[1], number_of[1], beside_link[1], C)[cell_of];
    if (base == 9)
      b = parameter_from(eta, aux, block_of[2], number_of[2], beside_link[2], C)[cell_of];
    else
      b = rep_vector(least * aux[number_of[2]], parts);
  } else {
    first = log_mean_from(block_from(eta, 1, C), link)[cell_of];
    if (base == 3 || base == 6 || base == 8)
      a = parameter_from(eta, aux, block_of[1], number_of[1], beside_link[1], C)[cell_of];
    else if (base == 7 && n_beside > 0) {            // of geometric counts it stays one
      a = parameter_from(eta, aux, block_of[1], number_of[1], beside_link[1], C)[cell_of];
      if (linear) a = exp(first) ./ a;
    }
    if (base == 6) first -= lgamma(1 + inv(a));
  }

  target += log_constant;
  if (base == 1) {
    target += -0.5 * log(2 * pi()) * sum(n) - dot_product(n, log(a))
              - 0.5 * dot_product(ss_within + n .* square(mean_y - first), inv_square(a));
  } else if (base == 2) {
    vector[V] nu = b[cell];
    target += dot_product(tally, lgamma(0.5 * (nu + 1)) - lgamma(0.5 * nu) - 0.5 * log(nu * pi())
                                 - log(a[cell]))
              - 0.5 * dot_product(tally, (nu + 1) .* log1p(square((value - first[cell]) ./ a[cell])
                                                           ./ nu));
  } else if (base == 3) {
    target += dot_product(n, a .* log(a) - lgamma(a)) - sum(sum_log_y)
              + dot_product(a, sum_log_y - n .* first - sum_y .* exp(-first));
  } else if (base == 4) {
    target += dot_product(sum_y, first) - dot_product(n, exp(first));
  } else if (base == 5) {
    target += -dot_product(n, first + mean_y .* exp(-first));
  } else if (base == 7) {
    vector[parts] damping = log1p(exp(first) ./ a);
    target += dot_product(sum_y, first - damping) - dot_product(n, a .* damping)
              + log_rising(excess, tally, a[cell]);
  } else if (base == 8) {
    target += 0.5 * dot_product(n, log(a))
              - 0.5 * dot_product(a, relative_squares(mean_y, n, excess, first));
  } else if (base == 9) {
    target += exgaussian_scales_lpdf(value | tally, first[cell], a[cell], b[cell]);
  } else if (base == 10) {
    target += lognormal_scales_lpdf(log(value - b[cell]) | tally, first[cell], a[cell]);
  } else {
    vector[V] power = a[cell] .* (log_value - first[cell]);
    target += dot_product(tally, log(a[cell]) + power - exp(power));
  }

  if (size(end_part) > 0) {
    // Of one call, which stanc writes out in full.
    array[2] vector[size(end_part)] tails
      = log_tails(base, interval_end, first[end_part], a[end_part], b[end_part], node, weight);
    int closed = n_left + n_right;
    target += dot_product(interval_tally[1:n_left], tails[1][1:n_left])
              + dot_product(interval_tally[(n_left + 1):closed], tails[2][(n_left + 1):closed]);
    for (i in 1:n_between) {
      // The difference is taken of the tail that is the smaller, so that it does not cancel.
      int low = closed + i;
      int high = low + n_between;
      int above = tails[2, low] < tails[1, high];
      real larger = above ? tails[2, low] : tails[1, high];
      real smaller = above ? tails[2, high] : tails[1, low];
      target += interval_tally[low] * (larger + log1m_exp(smaller - larger));
    }
  }
}
