  // Link codes: 1 identity, 2 log, 3 logit, 4 probit, 5 cloglog, 6 inverse, 7 sqrt.
  vector mean_from(vector eta, int link) {
    if (link == 1) return eta;
    if (link == 2) return exp(eta);
    if (link == 6) return inv(eta);
    if (link == 7) return square(eta);
    reject("no mean for link code ", link);
  }

  // log of the mean; where the link does not keep the mean positive (identity, inverse, and sqrt,
  // whose two branches give the same mean), eta is confined to the half line that does: elsewhere the
  // logarithm is not a number, which samplers reject.
  vector log_mean_from(vector eta, int link) {
    if (link == 2) return eta;
    if (link == 1) return log(eta);
    if (link == 6) return -log(eta);
    if (link == 7) return 2 * log(eta);
    reject("no positive mean for link code ", link);
  }
