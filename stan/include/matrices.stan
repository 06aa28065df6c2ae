  int entries(int n) {
    return (n * (n + 1)) %/% 2;
  }

  // Sds of columns, of numbers that several may share: of a Gaussian process the roots of its spectral
  // density, by its sd and its length-scale.
  vector sds_of_columns(vector own, array[] int sd_of, array[] int length_of, vector frequency) {
    int n = size(sd_of);
    if (n == size(own) && sum(length_of) == 0) return own;
    vector[n] sd = own[sd_of];
    for (c in 1:n) {
      if (length_of[c] > 0) {
        real length = own[length_of[c]];
        sd[c] *= sqrt(length * sqrt(2 * pi())) * exp(-0.25 * square(length * frequency[c]));
      }
    }
    return sd;
  }

  // (matrices.hpp has these.)
  // Of all correlated terms, from artanh of their canonical partial correlations: the density by their LKJ
  // priors, but for its constants, with the Jacobian; and the Cholesky factors, each column by column.
  vector correlation_factors(vector partial, array[] int q, array[] int correlated, vector lkj);

  // Many small symmetric matrices at once: entry (a, b) of them all is one vector, for a >= b. Their Cholesky
  // factors; and of 1 + L' I L, the inverses of these, I being the information of n classes, end to end.
  array[,] vector cholesky_of_each(array[,] vector V);
  array[,] vector whitening_of_each(matrix L, int correlated, vector information, int n);
