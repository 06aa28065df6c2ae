// The function of integrated.stan, with its derivative.
#ifndef WINSTAN_INTEGRATED_HPP
#define WINSTAN_INTEGRATED_HPP

#include "columns.hpp"

#include <stan/math/prim/functor/partials_propagator.hpp>

#include <cmath>
#include <ostream>
#include <vector>

namespace winstan::integrated {

using namespace winstan::columns;
using Tables = std::vector<Matrix>;

// The patterns' covariances V of a group's projected responses: their inverses, an entry of all patterns a
// column, and the density's part that no columns have.
class Patterns {
  const Reals n_groups;
  const Tables& to_covariance;
  const Index width;

 public:
  Matrix inverse;
  double density = 0;

  Patterns(const Reals& n_groups, const Tables& to_covariance, Index width, const Vector& covariance, double variance)
      : n_groups(n_groups), to_covariance(to_covariance), width(width), inverse(n_groups.size(), entries(width)) {
    for (Index a = 0, pair = 0; a < width; ++a)
      for (Index b = 0; b <= a; ++b, ++pair) {
        inverse.col(pair).noalias() = to_covariance[pair] * covariance;
        if (a == b)
          inverse.col(pair).array() += variance;
      }
    if (width == 1) {
      density = -0.5 * n_groups.dot(inverse.col(0).array().log().matrix());
      inverse = inverse.cwiseInverse();
      return;
    }
    Matrix V(width, width), D;
    for (Index k = 0; k < n_groups.size(); ++k) {
      for (Index a = 0, pair = 0; a < width; ++a)
        for (Index b = 0; b <= a; ++b, ++pair)
          V(a, b) = inverse(k, pair);
      factorise(V);
      density -= n_groups[k] * V.diagonal().array().log().sum();
      invert(V, D);
      for (Index a = 0, pair = 0; a < width; ++a)
        for (Index b = 0; b <= a; ++b, ++pair)
          inverse(k, pair) = D.col(a).tail(width - a).dot(D.col(b).tail(width - a));
    }
  }

  // Derivatives by the effects' covariance; adds that by the variance. `by_inverse` is used up.
  Vector back(Eigen::Ref<Matrix> by_inverse, double& by_variance) const {
    if (width == 1) {
      by_inverse = -(by_inverse.array() * inverse.array() + 0.5 * n_groups.array()) * inverse.array();
      by_variance += by_inverse.sum();
      return to_covariance[0].transpose() * by_inverse.col(0);
    }
    Matrix own(width, width), by(width, width), half(width, width);
    for (Index k = 0; k < n_groups.size(); ++k) {
      for (Index a = 0, pair = 0; a < width; ++a)
        for (Index b = 0; b <= a; ++b, ++pair) {
          own(a, b) = own(b, a) = inverse(k, pair);
          by(a, b) = by(b, a) = (a == b ? 1 : 0.5) * by_inverse(k, pair);
        }
      half = by.lazyProduct(own);
      half.diagonal().array() += 0.5 * n_groups[k];
      by = own.lazyProduct(half);
      by_variance -= by.trace();
      for (Index a = 0, pair = 0; a < width; ++a)
        for (Index b = 0; b <= a; ++b, ++pair)
          by_inverse(k, pair) = -(a == b ? 1 : 2) * by(a, b);
    }
    Vector out = Vector::Zero(by_inverse.cols());
    for (Index pair = 0; pair < by_inverse.cols(); ++pair)
      out.noalias() += to_covariance[pair].transpose() * by_inverse.col(pair);
    return out;
  }
};

// visit(entry, entry, pair): two entries of the roots, in one column of effects of the factor, whose
// product is part of that pair of the covariance of a group's effects.
template <typename Visit>
void each_product(const Ints& q, const Ints& column, Visit visit) {
  Index from = 0, inside = 0;
  for (std::size_t m = 0; m < q.size(); from += q[m] * q[m], ++m) {
    if (column[m] > 0)
      continue;
    for (Index i = 0; i < q[m]; ++i)
      for (Index j = 0; j <= i; ++j)
        for (Index c = 0; c <= j; ++c)
          visit(from + c * q[m] + i, from + c * q[m] + j, entries(inside + i) + inside + j);
    inside += q[m];
  }
}

}  // namespace winstan::integrated

template <typename Raw>
stan::value_type_t<Raw> integrated_density(
    const Raw& raw, const winstan::integrated::Table& mixing, const winstan::integrated::Reals& location,
    const winstan::integrated::Reals& above, const winstan::integrated::Reals& above_tail,
    const winstan::integrated::Reals& below, const winstan::integrated::Reals& below_tail,
    const winstan::integrated::Ints& q, const winstan::integrated::Ints& n_sds,
    const winstan::integrated::Ints& correlated, const winstan::integrated::Ints& sd_of,
    const winstan::integrated::Ints& length_of, const winstan::integrated::Reals& frequency,
    const winstan::integrated::Table& gram_of_terms, const winstan::integrated::Table& contrasts,
    const winstan::integrated::Ints& sd_prior, const winstan::integrated::Table& sd_prior_p,
    const winstan::integrated::Reals& lkj, const winstan::integrated::Ints& J,
    const winstan::integrated::Ints& column, int width, const winstan::integrated::Reals& n_groups,
    const winstan::integrated::Tables& to_covariance, const winstan::integrated::Table& products,
    const winstan::integrated::Reals& left, const winstan::integrated::Table& prior, double n_sigma,
    int sigma_prior, const winstan::integrated::Table& sigma_prior_p, std::ostream*) {
  using namespace winstan::integrated;
  TermCovariances terms(stan::math::value_of(raw), mixing, location, above, above_tail, below, below_tail, q, n_sds,
                        correlated, sd_of, length_of, frequency, gram_of_terms, contrasts, sd_prior, sd_prior_p, lkj);
  const Vector& L = terms.roots;
  const double log_sigma = terms.coordinate[raw.size() - 1], sigma = std::exp(log_sigma), variance = sigma * sigma;
  Vector covariance = Vector::Zero(entries(width));
  each_product(q, column, [&](Index i, Index j, Index pair) { covariance[pair] += L[i] * L[j]; });
  const Patterns patterns(n_groups, to_covariance, width, covariance, variance);
  const Index weights = patterns.inverse.size();
  Vector weighted = products * Eigen::Map<const Vector>(patterns.inverse.data(), weights);
  weighted += left / variance;
  const Columns columns(weighted, L, J, q, correlated, column, prior);
  const auto of_sigma = winstan::priors::of(sigma, sigma_prior, sigma_prior_p.row(0));

  Matrix by_inverse(patterns.inverse.rows(), patterns.inverse.cols());
  Eigen::Map<Vector>(by_inverse.data(), weights).noalias() = products.transpose() * columns.by_products;
  double by_variance = -left.dot(columns.by_products) / (variance * variance);
  const Vector by_covariance = patterns.back(by_inverse, by_variance);
  Vector by_L = columns.by_roots, by_coordinate = Vector::Zero(raw.size());
  each_product(q, column, [&](Index i, Index j, Index pair) {
    by_L[i] += by_covariance[pair] * L[j];
    by_L[j] += by_covariance[pair] * L[i];
  });
  by_coordinate[raw.size() - 1] = 2 * variance * by_variance + of_sigma.slope * sigma + 1 - n_sigma;

  auto whole = stan::math::make_partials_propagator(raw);
  if constexpr (stan::is_autodiff_v<Raw>)
    stan::math::partials<0>(whole) = terms.back(1, by_coordinate, by_L);
  return whole.build(terms.density + patterns.density + columns.density + of_sigma.log + (1 - n_sigma) * log_sigma);
}

#endif
