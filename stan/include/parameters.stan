  // Coordinates, all of order one (winstan/coordinates): of the coefficients and the W effects that are
  // drawn with them, of the other effects, and of what remains.
  vector[P + W] joint_raw;
  vector[Q] sd_raw;
  vector[n_corr] corr_raw;
  vector[T - W] rest_raw;
  vector[A] aux_raw;
