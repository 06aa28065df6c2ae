  // Many small symmetric matrices at once: entry (a, b) of them all is one vector, for a >= b.
  int entries(int n) {
    return (n * (n + 1)) %/% 2;
  }

  // Sds of columns, of numbers that several may share: of a Gaussian process the roots of its spectral
  // density, by its sd and its length-scale.
  vector sds_of_columns(vector own, array[] int sd_of, array[] int length_of, vector frequency) {
    int n = size(sd_of);
    vector[n] sd = own[sd_of];
    if (n == size(own)) return own;
    for (c in 1:n) {
      if (length_of[c] > 0) {
        real length = own[length_of[c]];
        sd[c] *= sqrt(length * sqrt(2 * pi())) * exp(-0.25 * square(length * frequency[c]));
      }
    }
    return sd;
  }

  // (matrices.hpp has these two.)
  array[,] vector cholesky_of_each(array[,] vector V);
  array[,] vector lower_inverse_of_each(array[,] vector C);

  // Inverses from the Cholesky factors: entries (1, 1), (2, 1), (2, 2), (3, 1) ... end to end.
  vector inverse_of_each(array[,] vector C) {
    int n = size(C);
    int K = num_elements(C[1, 1]);
    array[n, n] vector[K] D = lower_inverse_of_each(C);
    vector[entries(n) * K] out;
    int at = 1;
    for (a in 1:n) {
      for (b in 1:a) {
        vector[K] s = D[a, a] .* D[a, b];
        for (c in (a + 1):n) s += D[c, a] .* D[c, b];
        out[at:(at + K - 1)] = s;
        at += K;
      }
    }
    return out;
  }

  // Cholesky factors of the correlations of all correlated terms, each column by column, from artanh of
  // their canonical partial correlations.
  vector correlations_jacobian(vector partial, array[] int q, array[] int correlated, int n_factor) {
    vector[n_factor] factors;
    int from_raw = 1;
    int from = 1;
    for (m in 1:size(q)) {
      if (correlated[m]) {
        int n_free = (q[m] * (q[m] - 1)) %/% 2;
        int n_entries = q[m] * q[m];
        factors[from:(from + n_entries - 1)]
          = to_vector(cholesky_factor_corr_jacobian(segment(partial, from_raw, n_free), q[m]));
        from_raw += n_free;
        from += n_entries;
      }
    }
    return factors;
  }
