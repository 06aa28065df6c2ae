  // See winstan/marginal/monotone.py.
  vector curve(vector x, vector location, vector above, vector above_tail, vector below,
               vector below_tail) {
    vector[size(x)] arc = sqrt(1 + square(x));
    vector[size(x)] p = x + arc;
    vector[size(x)] n = arc - x;
    return location + p .* (above + above_tail .* p) - n .* (below + below_tail .* n);
  }

  vector curve_slope(vector x, vector above, vector above_tail, vector below, vector below_tail) {
    vector[size(x)] arc = sqrt(1 + square(x));
    vector[size(x)] p = x + arc;
    vector[size(x)] n = arc - x;
    return (p .* (above + 2 * above_tail .* p) + n .* (below + 2 * below_tail .* n)) ./ arc;
  }
