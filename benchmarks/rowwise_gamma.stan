// The same posterior as winstan's `Power ~ stim + (1|mouse)`, family gamma, as formula packages
// write it: a linear predictor row by row, group effects non-centred, normalised densities.
data {
  int<lower=1> N;
  int<lower=1> J;
  vector<lower=0>[N] y;
  matrix[N, 1] X;
  array[N] int<lower=1, upper=J> g;
  vector[2] intercept_prior;  // mean and sd
  vector[2] slope_prior;
  real<lower=0> sd_rate;
}
transformed data {
  real x_mean = mean(X[, 1]);
  matrix[N, 1] Xc = X - x_mean;
}
parameters {
  real Intercept;  // at the mean of x
  vector[1] b;
  real<lower=0> sd_g;
  vector[J] z;
  real<lower=0> alpha;
}
transformed parameters {
  vector[J] u = sd_g * z;
}
model {
  vector[N] mu = Intercept + Xc * b;
  for (n in 1:N) mu[n] += u[g[n]];
  mu = exp(mu);
  target += gamma_lpdf(y | alpha, alpha ./ mu);
  target += normal_lpdf(Intercept | intercept_prior[1], intercept_prior[2]);
  target += normal_lpdf(b | slope_prior[1], slope_prior[2]);
  target += exponential_lpdf(sd_g | sd_rate);
  target += std_normal_lpdf(z);
  target += inv_gamma_lpdf(alpha | 0.4, 0.3);
}
