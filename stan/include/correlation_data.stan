  int<lower=1, upper=5> structure;                   // correlation of rows of a unit: see correlation.stan
  int<lower=0> n_numbers;                            // its numbers, the last of the auxiliary ones
  row_vector[3] number_prior_p;
  real<lower=0> time_unit;                           // of car: what is one in distance
  int<lower=0> n_correlated;                         // levels, or rows, unit by unit: their numbers,
  array[n_correlated] int<lower=1, upper=n_correlated> by_unit;
  array[n_correlated] int<lower=1, upper=n_correlated> position;  // and the place of each
  int<lower=0> n_distances;                                // of ar and car: distinct ones between neighbours
  vector<lower=0>[n_distances] distance;
  array[structure == 1 ? n_distances : 0] int<lower=1> whole_distance;  // of ar: the same
  array[structure < 3 ? n_correlated : 0] int<lower=1, upper=n_distances + 1> distance_of;
  int<lower=0> longest;                              // rows of the largest unit
  int<lower=0> n_visits;                             // of cs, toep and unstr: places of all units,
  int<lower=0> n_patterns;                           // and of the units of each pattern
  array[n_patterns] int<lower=1> pattern_size;
  array[n_patterns] int<lower=1> units_of_pattern;
  int<lower=0> n_pattern_places;
  array[n_pattern_places] int<lower=1, upper=n_visits> pattern_places;
