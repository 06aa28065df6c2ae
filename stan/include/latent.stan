  // Follows model.stan, which took effects of single rows to be independent. Those that are standard
  // scores of the data get the prior of their innovations; or what was sampled are innovations, of which
  // the effects are made.
  {
    real s = sd[latent_sd];
    vector[n_numbers] number = segment(free_aux, A - n_numbers + 1, n_numbers);
    vector[n_correlated] u = segment(deviation, start[latent], n_correlated);
    vector[n_correlated] z = u / s;
    target += correlation_lpdf(number | structure, number_prior_p, n_visits, time_unit);
    if (informed[latent]) {
      vector[n_correlated] white
        = by_root_lp(z[by_unit], 1, number, structure, distance, whole_distance, distance_of, longest, n_visits,
                     pattern_size, units_of_pattern, pattern_places);
      target += std_normal_lpdf(white) - std_normal_lpdf(z);
    } else {
      vector[n_correlated] of_units
        = by_root_lp(z[by_unit], 0, number, structure, distance, whole_distance, distance_of, longest, n_visits,
                     pattern_size, units_of_pattern, pattern_places);
      vector[C] more = (s * of_units[position] - u)[latent_level];
      if (rows > C) eta += append_row(more, rep_vector(0, rows - C));
      else eta += more;
    }
  }
