  // Sums of (y - mu)^2 / (mu^2 y).
  vector relative_squares(vector mean_y, vector n, vector excess, vector log_mu) {
    return n .* square(mean_y .* exp(-log_mu) - 1) ./ mean_y + excess;
  }
