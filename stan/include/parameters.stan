  vector[P] beta_raw;
  vector<offset=log_sd_location, multiplier=log_sd_scale>[Q] log_sd;
  vector[n_corr] corr_raw;
  vector<offset=effect_location, multiplier=effect_scale>[T] effect;  // term by term, by column
  vector<offset=log_aux_location, multiplier=log_aux_scale>[A] log_aux;
