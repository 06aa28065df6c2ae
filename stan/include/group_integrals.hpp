// The likelihood of group_integrals.stan, each group's effect integrated out, and its gradient.
//
// Rows tell a group's effect u by two numbers, c u - S exp(u): a log-concave density with its normal
// prior, whose integral over u has no closed form. The trapezoidal rule converges exponentially on
// it: eleven digits, by about twenty nodes.
#ifndef WINSTAN_GROUP_INTEGRALS_HPP
#define WINSTAN_GROUP_INTEGRALS_HPP

#include <stan/math/rev/core.hpp>
#include <stan/math/prim/functor/partials_propagator.hpp>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <vector>

namespace winstan::group_integrals {

using Reals = Eigen::Ref<const Eigen::VectorXd>;
using Table = Eigen::Ref<const Eigen::MatrixXd>;
using Numbers = Eigen::ArrayXd;

constexpr Eigen::Index at_once = 512;
constexpr Eigen::Index most_nodes = 4096;
constexpr double left_out = 30;                      // log of the peak over the integrand's ends
constexpr double half_log_two_pi = 0.91893853320467274178;

// The v of v + exp(v) = z, by Halley's method: exp(v) is Wright's omega function.
inline double log_omega(double z) {
  double v = z > 1 ? std::log(z - std::log(z)) : z > -1 ? 0.5 * (z - 1) : z - std::exp(z);
  for (int i = 0; i < 8; ++i) {
    const double e = std::exp(v), h = v + e - z, slope = 1 + e;
    const double step = h / (slope - 0.5 * e * h / slope);
    v -= step;
    if (!(std::abs(step) > 1e-9 * (1 + std::abs(v))))  // cubic: the next would be below rounding
      break;
  }
  return v;
}

// Of exp(-A (exp(s) - 1 - s) - precision s^2 / 2), which is largest at zero, in units of its width there,
// 1 / sqrt(A + precision): the log of the integral over s, and the means of s and s^2.
struct Moments {
  double log, first, second;
};

inline Moments moments(double A, double precision, Numbers& points, Numbers& density) {
  // It has fallen by left_out there, at the latest, by bounds of exp(s) - 1 - s
  const double curvature = A + precision, ratio = left_out / A;
  const double above = std::min(std::sqrt(2 * left_out / curvature), std::log1p(ratio + std::sqrt(2 * ratio)));
  double below = std::min(std::sqrt(2 * left_out / precision), 0.5 * (ratio + std::sqrt(ratio * (ratio + 8))));
  for (int i = 0; i < 2; ++i)
    below = std::sqrt(left_out / (A / (2 + below) + 0.5 * precision));
  // Its Fourier transform is beyond doubles' digits from here on: a normal's, and a log gamma's
  const double step = 6.28318530717958647692 / std::sqrt(64 * curvature + 256);
  const double span = above + below;
  const auto size = static_cast<Eigen::Index>(std::min(std::ceil(span / step) + 1, double(most_nodes)));
  const double h = span / static_cast<double>(size - 1);
  auto s = points.head(size), f = density.head(size);
  for (Eigen::Index i = 0; i < size; ++i)
    s[i] = static_cast<double>(i) * h - below;
  if (std::max(above, below) < 0.5)                  // exp(s) - 1 - s, of which no digits cancel
    f = s.square() * (1. / 2 + s * (1. / 6 + s * (1. / 24 + s * (1. / 120 + s * (1. / 720 + s * (1. / 5040
        + s * (1. / 40320 + s * (1. / 362880 + s * (1. / 3628800 + s * (1. / 39916800 + s * (1. / 479001600)))))))))));
  else
    f = s.exp() - 1 - s;
  f = (-A * f - (0.5 * precision) * s.square()).exp();
  const double all = f.sum(), width = std::sqrt(curvature);
  return {std::log(h * all * width), (f * s).sum() / all * width, (f * s.square()).sum() / all * curvature};
}

// Of exp(c u - S exp(u)) and the prior normal(0, sd): the log of the integral over u, and the posterior
// means of u, u^2 and S exp(u).
struct Integral {
  double log, mean, square, intensity;
};

// All groups have one sd, and so the moments are functions of A alone: analytic ones of log A, as far as
// pi from the real line. Polynomials through eight points of a grid have nine digits, and mostly eleven.
class Integrals {
  static constexpr double per_unit = 10;
  static constexpr int lowest = -500, n_grid = 1000;
  double sd, variance, precision, log_variance, log_sd;
  Numbers points = Numbers(most_nodes), density = Numbers(most_nodes);
  std::vector<Moments> grid = std::vector<Moments>(n_grid);
  std::vector<char> known = std::vector<char>(n_grid, 0);

  const Moments& at(int k) {
    if (!known[k]) {
      grid[k] = moments(std::exp((k + lowest) / per_unit), precision, points, density);
      known[k] = 1;
    }
    return grid[k];
  }

  Moments between(double A, double log_A) {
    const double place = log_A * per_unit - lowest, below = std::floor(place);
    if (!(below >= 3 && below < n_grid - 4))
      return moments(A, precision, points, density);
    static constexpr double scale[8] = {-1. / 5040, 1. / 720, -1. / 240, 1. / 144, -1. / 144, 1. / 240, -1. / 720, 1. / 5040};
    const int first = static_cast<int>(below) - 3;
    double before[8], after = 1;
    before[0] = 1;
    for (int i = 1; i < 8; ++i)
      before[i] = before[i - 1] * (place - (first + i - 1));
    Moments out{0, 0, 0};
    for (int i = 7; i >= 0; --i) {                   // Lagrange's polynomials
      const double weight = before[i] * after * scale[i];
      const Moments& own = at(first + i);
      out.log += weight * own.log;
      out.first += weight * own.first;
      out.second += weight * own.second;
      after *= place - (first + i);
    }
    return out;
  }

 public:
  explicit Integrals(double sd)
      : sd(sd), variance(sd * sd), precision(1 / variance), log_variance(2 * std::log(sd)), log_sd(std::log(sd)) {}

  Integral operator()(double c, double S) {
    const double log_vS = log_variance + std::log(S), v = log_omega(log_vS + variance * c);
    const double A = std::exp(v) * precision;        // S exp(u) at the mode
    const double mode = variance * std::max(c, A) < 1 ? variance * (c - A) : v - log_vS;
    const Moments of = between(A, v - log_variance);
    const double curvature = A + precision, first = of.first / std::sqrt(curvature);
    return {c * mode - A - 0.5 * precision * mode * mode + of.log - 0.5 * std::log(curvature) - log_sd - half_log_two_pi,
            mode + first, mode * mode + 2 * mode * first + of.second / curvature,
            // by parts: the integrand's derivative integrates to zero
            A - first * precision};
  }
};

}  // namespace winstan::group_integrals

// See group_integrals.stan. Rows lie group by group; `last` are the numbers of rows up to each group's
// end. Empty weights are ones.
template <bool propto, typename Beta, typename Sd, typename Shape>
stan::return_type_t<Beta, Sd, Shape> groups_lpdf(
    const winstan::group_integrals::Reals& known, const winstan::group_integrals::Table& X,
    const winstan::group_integrals::Reals& weight, const std::vector<int>& last,
    const winstan::group_integrals::Reals& linear, double linear_offset, int sign, const Beta& beta,
    const Sd& sd, const Shape& shape, std::ostream*) {
  using namespace winstan::group_integrals;
  using Vector = Eigen::VectorXd;
  const Vector b = stan::math::value_of(beta);
  const double sigma = stan::math::value_of(sd), a = stan::math::value_of(shape);
  const auto n_groups = static_cast<Eigen::Index>(last.size());
  Vector by_b = Vector::Zero(b.size());
  Numbers t(at_once);
  Integrals integral(sigma);
  double density = 0, by_sd = 0, by_shape = 0;
  for (Eigen::Index g = 0, from = 0; g < n_groups;) {
    Eigen::Index end = g;                            // whole groups: so many that about 512 rows
    while (end < n_groups && (end == g || last[end] - from <= at_once))
      ++end;
    const Eigen::Index size = last[end - 1] - from;
    if (size > t.size())
      t.resize(size);
    auto own = t.head(size);
    own.matrix().noalias() = X.middleRows(from, size) * b;
    if (sign > 0)
      own = own.exp();
    else
      own = (-own).exp();
    if (weight.size() > 0)
      own *= weight.segment(from, size).array();
    for (Eigen::Index at = 0; g < end; ++g) {
      const Eigen::Index n = last[g] - from - at;
      auto rows = own.segment(at, n);
      const double S = rows.sum();
      const Integral of = integral(a * known[g], a * S);
      density += of.log;
      by_sd += (of.square / (sigma * sigma) - 1) / sigma;
      by_shape += known[g] * of.mean - of.intensity / a;
      rows *= of.intensity / S;
      at += n;
    }
    by_b.noalias() -= X.middleRows(from, size).transpose() * own.matrix();
    from += size;
  }
  const double along = linear.dot(b) + linear_offset;
  auto whole = stan::math::make_partials_propagator(beta, sd, shape);
  if constexpr (stan::is_autodiff_v<Beta>)
    stan::math::partials<0>(whole) = sign * (by_b + a * linear);
  if constexpr (stan::is_autodiff_v<Sd>)
    stan::math::partials<1>(whole)[0] = by_sd;
  if constexpr (stan::is_autodiff_v<Shape>)
    stan::math::partials<2>(whole)[0] = sign * along + by_shape;
  return whole.build(density + sign * a * along);
}

#endif
