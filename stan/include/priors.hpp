// The log densities of priors.stan, normalised, and their derivatives by x.
#ifndef WINSTAN_PRIORS_HPP
#define WINSTAN_PRIORS_HPP

#include <stan/math/rev/core.hpp>
#include <stan/math/prim/err/check_nonnegative.hpp>
#include <stan/math/prim/err/check_not_nan.hpp>
#include <stan/math/prim/err/check_positive_finite.hpp>
#include <stan/math/prim/fun/constants.hpp>
#include <stan/math/prim/fun/lgamma.hpp>
#include <stan/math/prim/fun/value_of.hpp>

#include <cmath>
#include <ostream>
#include <stdexcept>
#include <string>

namespace winstan::priors {

struct Density {
  double log, slope;
};

inline Density normal(double x, double mean, double sd) {
  const double z = (x - mean) / sd;
  return {-0.5 * z * z - std::log(sd) - 0.5 * stan::math::LOG_TWO_PI, -z / sd};
}

inline Density student_t(double x, double nu, double mean, double scale) {
  const double z = (x - mean) / scale;
  return {stan::math::lgamma(0.5 * (nu + 1)) - stan::math::lgamma(0.5 * nu) - 0.5 * std::log(nu)
              - 0.5 * stan::math::LOG_PI - std::log(scale) - 0.5 * (nu + 1) * std::log1p(z * z / nu),
          -(nu + 1) * z / (nu + z * z) / scale};
}

inline Density cauchy(double x, double mean, double scale) {
  const double z = (x - mean) / scale;
  return {-stan::math::LOG_PI - std::log(scale) - std::log1p(z * z), -2 * z / (1 + z * z) / scale};
}

inline Density exponential(double x, double rate) {
  stan::math::check_nonnegative("prior", "x", x);
  return {std::log(rate) - rate * x, -rate};
}

inline Density gamma(double x, double shape, double rate) {
  stan::math::check_positive_finite("prior", "x", x);
  return {shape * std::log(rate) - stan::math::lgamma(shape) + (shape - 1) * std::log(x) - rate * x,
          (shape - 1) / x - rate};
}

inline Density inverse_gamma(double x, double shape, double scale) {
  stan::math::check_positive_finite("prior", "x", x);
  return {shape * std::log(scale) - stan::math::lgamma(shape) - (shape + 1) * std::log(x) - scale / x,
          (scale / x - shape - 1) / x};
}

inline Density beta(double x, double a, double b) {
  Density out{stan::math::lgamma(a + b) - stan::math::lgamma(a) - stan::math::lgamma(b), 0};
  if (a != 1) {                                      // at one the ends have a density
    out.log += (a - 1) * std::log(x);
    out.slope += (a - 1) / x;
  }
  if (b != 1) {
    out.log += (b - 1) * std::log1p(-x);
    out.slope -= (b - 1) / (1 - x);
  }
  return out;
}

inline Density twice(Density one) {
  return {stan::math::LOG_TWO + one.log, one.slope};
}

template <typename Numbers>
Density of(double x, int kind, const Numbers& p) {
  stan::math::check_not_nan("prior", "x", x);
  switch (kind) {
    case 0: return {0, 0};
    case 1: return normal(x, p(0), p(1));
    case 2: return student_t(x, p(0), p(1), p(2));
    case 3: return cauchy(x, p(0), p(1));
    case 4: return exponential(x, p(0));
    case 5: return gamma(x, p(0), p(1));
    case 6: return inverse_gamma(x, p(0), p(1));
    case 7: return beta(x, p(0), p(1));
    case 11: return twice(normal(x, 0, p(0)));
    case 12: return twice(student_t(x, p(0), 0, p(1)));
    case 13: return twice(cauchy(x, 0, p(0)));
  }
  throw std::domain_error("unknown kind of prior: " + std::to_string(kind));
}

}  // namespace winstan::priors

template <bool propto, typename T, typename Numbers>
T prior_lpdf(const T& x, int kind, const Numbers& p, std::ostream*) {
  const auto density = winstan::priors::of(stan::math::value_of(x), kind, p);
  if constexpr (stan::is_var<T>::value)
    return stan::math::make_callback_var(
        density.log, [x, slope = density.slope](auto& out) mutable { x.adj() += out.adj() * slope; });
  else
    return density.log;
}

#endif
