  // Link codes: 1 identity, 2 log, 3 logit, 4 probit, 5 cloglog, 6 inverse, 7 sqrt, 8 tan_half,
  // 9 softmax.
  vector mean_from(vector eta, int link) {
    if (link == 1) return eta;
    if (link == 2) return exp(eta);
    if (link == 6) return inv(eta);
    if (link == 7) return square(eta);
    reject("no mean for link code ", link);
  }

  // log(exp(a) + exp(b)), element by element: log_sum_exp keeps no vector's values in one piece.
  vector log_sum_of(vector a, vector b) {
    vector[num_elements(a)] apart = abs(a - b);
    return 0.5 * (a + b + apart) + log(0.5 + 0.5 * exp(-apart)) + log2();
  }

  // A block of the linear predictor, of n cells: the mean's is the first.
  vector block_from(vector eta, int b, int n) {
    return segment(eta, (b - 1) * n + 1, n);
  }

  // A parameter beside the mean in every cell: predicted, or one number.
  vector parameter_from(vector eta, vector aux, int b, int number, int link, int n) {
    if (b > 0) return mean_from(block_from(eta, b, n), link);
    return rep_vector(aux[number], n);
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
