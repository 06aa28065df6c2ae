  {                                                  // indices that the declarations leave open
    int n_own = 0;
    for (k in 1:n_patterns) n_own += pattern_size[k] * units_of_pattern[k];
    if (structure > 2 && n_own != n_correlated || n_numbers > A)
      reject("rows of units are not those of the correlation");
    if (structure > 3 && sum(pattern_size) != n_pattern_places) reject("patterns have other places");
  }
