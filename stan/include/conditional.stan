  // Declares joint_raw and rest_raw: standard scores of the normal posterior given sds and the noise, where
  // that is asked for. (stanc's optimiser knows vectors by their names alone: none here is one of
  // effects.stan or model.stan.)
  vector[P + W] joint_raw = joint_x;
  vector[T - W] rest_raw = rest_x;
  if (n_given > 0) {
    vector[n_given] given_x = given_joint' * joint_x + given_rest' * rest_x;
    array[n_given] real x_of_given;
    for (i in 1:n_given) x_of_given[i] = sum(segment(given_x, i, 1));
    array[n_given + 1] real change
      = change_given_noise(x_of_given, free_aux[noise_number], column_sd, corr_factor, given_columns,
                           fixed_information, scaled_information, noise_power, given_response, q, levels_given,
                           correlated);
    target += change[n_given + 1];
    joint_raw += given_joint * to_vector(segment(change, 1, n_given));
    rest_raw += given_rest * to_vector(segment(change, 1, n_given));
  }
