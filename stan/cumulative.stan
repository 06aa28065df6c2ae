// Likelihood of ordered categories on cells: of each cell, how many rows have each category. A latent
// variable is cut by thresholds (winstan/families/cumulative.py); or each category that is reached may
// be the last (sratio.py); or odds are of each category against the one below it (acat.py).
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/links.stan
#include include/probabilities.stan
#include include/thresholds.stan

  // Sum of counts times the logarithms of categories' probabilities, none of which a tail rounds to
  // zero. `at` are thresholds less linear predictors, n to a threshold; counts n to a category; step
  // is from each threshold, but the last, to the next. Each link's function is called once. Stretches
  // are put one after another by assignment: append_row keeps no vector's values in one piece.
  real cumulative_log_density(vector at, vector step, vector counts, int n, int link) {
    int N = num_elements(at);
    int inside = N - n;                              // of categories between two thresholds
    vector[n] first = head(counts, n);
    vector[inside] between = segment(counts, n + 1, inside);
    vector[n] last = segment(counts, N + 1, n);
    vector[inside] low = head(at, inside);
    if (link == 4) {                                 // Phi between mirrored ends, the lower ones
      vector[inside] middle = -abs(low + 0.5 * step);
      vector[2 * n + 2 * inside] x;
      x[1:n] = head(at, n);
      x[(n + 1):(2 * n)] = -segment(at, inside + 1, n);
      x[(2 * n + 1):(2 * n + inside)] = middle + 0.5 * step;
      x[(2 * n + inside + 1):(2 * n + 2 * inside)] = middle - 0.5 * step;
      vector[2 * n + 2 * inside] L = log_Phi(x);
      vector[inside] less = segment(L, 2 * n + inside + 1, inside) - segment(L, 2 * n + 1, inside);
      return dot_product(append_row(append_row(first, last), between), head(L, 2 * n + inside))
             + dot_product(between, log1m_exp(less));
    }
    if (link == 5) {                                 // survivors, and the share of them that go
      vector[N] log_rate;
      log_rate[1:n] = head(at, n);
      log_rate[(n + 1):N] = low + step + log1m_exp(-step);
      // 1 - exp(-rate) is the rate itself, to rounding, below exp(-37): log_rate is split there.
      vector[N] beyond = abs(log_rate + 37);
      vector[N] log_gone = log1m_exp(-exp(0.5 * (log_rate - 37 + beyond))) + 0.5 * (log_rate + 37 - beyond);
      return dot_product(head(counts, N), log_gone) - dot_product(segment(counts, n + 1, N), exp(at));
    }
    {
      // F(b) - F(a) = F(b) (1 - F(a)) (1 - exp(a - b))
      vector[2 * n + 2 * inside] x;
      x[1:n] = head(at, n);
      x[(n + 1):(2 * n)] = -segment(at, inside + 1, n);
      x[(2 * n + 1):(2 * n + inside)] = low + step;
      x[(2 * n + inside + 1):(2 * n + 2 * inside)] = -low;
      vector[2 * n + 2 * inside] size = abs(x);
      vector[2 * n + 2 * inside] all = append_row(append_row(first, last), append_row(between, between));
      return dot_product(all, 0.5 * (x - size) - log(0.5 + 0.5 * exp(-size))) - log2() * sum(all)
             + dot_product(between, log1m_exp(-step));
    }
  }

  // The same where each step has a threshold by itself: rows that stop at it, and that go further.
  real stopping_log_density(vector at, vector counts, vector further, int link) {
    return dot_product(head(counts, num_elements(at)), log_probability_from(at, link))
           + dot_product(further, log_complement_from(at, link));
  }

  // The same by the odds of each category against the one below it.
  real adjacent_log_density(vector at, vector counts, int n, int K) {
    vector[n] weight = rep_vector(0, n);             // log of what probabilities are proportional to
    vector[n] total = rep_vector(0, n);
    vector[n] rows = head(counts, n);
    real lp = 0;
    for (k in 1:(K - 1)) {
      weight -= segment(at, (k - 1) * n + 1, n);
      total = log_sum_of(total, weight);
      rows += segment(counts, k * n + 1, n);
      lp += dot_product(segment(counts, k * n + 1, n), weight);
    }
    return lp - dot_product(rows, total);
  }
}
data {
#include include/data.stan
  int<lower=1, upper=3> form;                        // cumulative, stopping ratio, adjacent categories
  int<lower=2> K;                                    // categories
  matrix<lower=0>[C, K] counts;
  int<lower=0, upper=A> before_steps;                // numbers that are not steps between thresholds
  int threshold_prior;
  row_vector[3] threshold_prior_p;
  real log_constant;
}
transformed data {
#include include/transformed_data.stan
  if (before_steps + K - 2 > A) reject("there are fewer steps than categories ask for");
  // One cell more, where the linear predictor is zero: a Dirichlet prior is counts there.
  int n = C + 1;
  vector[n * K] counts_of;
  for (k in 1:K) {
    counts_of[((k - 1) * n + 1):((k - 1) * n + C)] = counts[, k];
    counts_of[k * n] = threshold_prior == 21 ? threshold_prior_p[1] - 1 : 0;
  }
  // Blocks of eta after the first are of one threshold each; of the further cell they are zero.
  int with_own = rows > C;
  if (with_own && rows != K * C) reject("there are ", K - 1, " thresholds, and ", rows, " linear predictors");
  vector[n * (K - 1)] further = rep_vector(0, n * (K - 1));
  for (k in 1:(K - 1))
    for (j in (k + 1):K)
      further[((k - 1) * n + 1):(k * n)] += segment(counts_of, (j - 1) * n + 1, n);
}
parameters {
#include include/parameters.stan
}
model {
#include include/scales.stan
#include include/effects.stan
#include include/model.stan
  vector[K - 1] cutpoint = cutpoints_from(aux, before_steps, K - 1);
  vector[1] intercept = head(beta, 1);
  target += log_prior_of_thresholds(cutpoint - sum(intercept), threshold_prior, threshold_prior_p, link);
  vector[n * (K - 1)] at;
  vector[n * (K - 2)] step;
  for (k in 1:(K - 1)) {
    int before = (k - 1) * n;
    at[(before + 1):(before + C)] = cutpoint[k] - block_from(eta, 1, C);
    at[(before + n):(before + n)] = cutpoint[k] - intercept;
    if (with_own) at[(before + 1):(before + C)] -= block_from(eta, k + 1, C);
    if (k < K - 1) step[(before + 1):(before + n)] = rep_vector(aux[before_steps + k], n);
  }
  if (form == 1)
    target += cumulative_log_density(at, step, counts_of, n, link);
  else if (form == 2)
    target += stopping_log_density(at, counts_of, further, link);
  else
    target += adjacent_log_density(at, counts_of, n, K);
  target += log_constant;
}
