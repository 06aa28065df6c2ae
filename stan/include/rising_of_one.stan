  // What Stirling's series has beyond (z - 1/2) log z - z + log(2 pi) / 2.
  real stirling(real z) {
    real s = inv(square(z));
    return inv(z) * (inv(12.0) + s * (-inv(360.0) + s * inv(1260.0)));
  }

  // Log rising factorials of one shape, by the rows above each k and a tally of what is beyond them.
  real log_rising_of_one(vector n_above, vector k, vector excess, vector tally, vector moments, real largest,
                  real alpha) {
    real out = 0;
    if (alpha > 20 * largest) {
      real x = largest / alpha;
      int J = num_elements(moments);
      for (j in 1:J) out = x * (moments[J + 1 - j] + out);
      return out;
    }
    if (num_elements(k) > 0) out += dot_product(n_above, log1p(k / alpha));
    if (num_elements(excess) > 0) {
      real a = alpha + 32;
      if (alpha < 1000)                              // where few digits cancel, and cost less
        return out + dot_product(tally, lgamma(excess + a)) - sum(tally) * lgamma(a)
               - dot_product(tally, excess) * log(alpha);
      vector[num_elements(excess)] z = excess + a;
      vector[num_elements(excess)] s = inv(square(z));
      out += dot_product(tally, (z - 0.5) .* log1p(excess / a)
                                + inv(z) .* (inv(12.0) + s .* (s * inv(1260.0) - inv(360.0))))
             - sum(tally) * stirling(a) + dot_product(tally, excess) * (log1p(32 / alpha) - 1);
    }
    return out;
  }
