  // What Stirling's series has beyond (z - 1/2) log z - z + log(2 pi) / 2, of numbers from eight up.
  vector stirling_series(vector z) {
    vector[num_elements(z)] s = inv_square(z);
    return inv(z) .* (inv(12.0) + s .* (-inv(360.0) + s .* (inv(1260.0) - s * inv(1680.0))));
  }

  // Log of the product of 1 + k / alpha over k < y, and over all rows: eight factors one by one, the
  // others by Stirling's series (winstan/families/rising.py).
  real log_rising(vector y, vector tally, vector alpha) {
    vector[num_elements(y)] a = alpha + 8;
    vector[num_elements(y)] out = (a + y - 0.5) .* log1p(y ./ a) + y .* (log1p(8 / alpha) - 1)
                                  + stirling_series(a + y) - stirling_series(a);
    for (k in 0:7) out -= log1p(y ./ (alpha + k));
    return dot_product(tally, out);
  }
