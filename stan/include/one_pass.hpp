// The likelihood of one_pass.stan and its gradient in one pass over the rows.
//
// Stan's autodiff keeps a vector of values and one of derivatives for every step from coefficients to
// the density, and goes through each of them twice. Here a few hundred rows at a time stay in the
// processor's nearest memory from their predictors to what they add to the gradient, and nothing of the
// rows' length is ever kept.
#ifndef WINSTAN_ONE_PASS_HPP
#define WINSTAN_ONE_PASS_HPP

#include <stan/math/rev/core.hpp>
#include <stan/math/prim/functor/partials_propagator.hpp>

#include <algorithm>
#include <ostream>
#include <vector>

namespace winstan::one_pass {

using Reals = Eigen::Ref<const Eigen::VectorXd>;
using Table = Eigen::Ref<const Eigen::MatrixXd>;
using Numbers = Eigen::ArrayXd;
using Levels = std::vector<std::vector<int>>;

constexpr Eigen::Index at_once = 512;

// The effects of one column of a term: their predictor (none where it is one), and their derivatives.
struct Effects {
  const int* level;
  const double* z;
  const double* u;
  double* slope;
};

// Curves of one term, a column for each level: every row takes one number of them.
struct Curves {
  Eigen::Map<const Eigen::MatrixXd> basis;           // by distinct row of its predictors
  Eigen::Map<const Eigen::MatrixXd> effect;          // by level
  const int* place;
  Eigen::MatrixXd value, slope;

  Curves(const double* basis, Eigen::Index rows, const double* effect, Eigen::Index levels,
         Eigen::Index width, const int* place)
      : basis(basis, rows, width), effect(effect, levels, width), place(place),
        value(this->basis * this->effect.transpose()), slope(Eigen::MatrixXd::Zero(rows, levels)) {}
};

// A few rows: what is given of them, and what comes of them.
struct Rows {
  Eigen::Map<const Numbers> y, n, eta;
  Numbers& slope;                                    // of the log density by eta
  double density = 0;
  double by_shape = 0;                               // its derivative by the shape
  Numbers& t;                                        // room for numbers on the way
};

inline void poisson(Rows& r, double) {
  r.t = r.n * r.eta.exp();
  r.slope = r.y - r.t;
  r.density = (r.y * r.eta).sum() - r.t.sum();
}

inline void binomial(Rows& r, double) {
  r.t = (-r.eta.abs()).exp();
  r.density = (r.y * r.eta - r.n * (r.eta.max(0.0) + r.t.log1p())).sum();
  r.slope = r.y - r.n * (r.eta >= 0).select(1.0, r.t) / (1 + r.t);
}

inline void gamma(Rows& r, double shape) {
  r.t = r.y * (-r.eta).exp();
  r.slope = shape * (r.t - r.n);
  r.by_shape = -(r.n * r.eta + r.t).sum();
  r.density = shape * r.by_shape;
}

inline void negative_binomial(Rows& r, double shape) {
  r.t = r.eta.exp() / shape;                         // the mean over the shape
  r.slope = (r.y - r.n * shape * r.t) / (1 + r.t);
  r.density = (r.y * r.eta - (r.y + r.n * shape) * r.t.log1p()).sum();
  // log1p(t) - t / (1 + t), of which no digits cancel
  r.by_shape = (r.y * r.t / (shape * (1 + r.t))
                - r.n * (r.t < 0.01).select(
                    r.t.square() * (1.0 / 2 - r.t * (2.0 / 3 - r.t * (3.0 / 4 - r.t * (4.0 / 5 - r.t * (5.0 / 6
                                    - r.t * (6.0 / 7)))))),
                    r.t.log1p() - r.t / (1 + r.t)))
                   .sum();
}

}  // namespace winstan::one_pass

// See one_pass.stan. A vector of the rows' length that is empty is of ones (n), of zeros (offsets), or
// of the rows' own numbers (row). X has columns of curves after those of the coefficients.
template <bool propto, typename Beta, typename Effect, typename Shape>
stan::return_type_t<Beta, Effect, Shape> rows_lpdf(
    const winstan::one_pass::Reals& sum_y, const winstan::one_pass::Reals& n, int likelihood, const winstan::one_pass::Table& X,
    const std::vector<int>& row, const winstan::one_pass::Reals& offsets, const Beta& beta,
    const std::vector<int>& curve_of, const winstan::one_pass::Levels& level, const winstan::one_pass::Table& Z,
    const std::vector<int>& told, const Effect& effect, const std::vector<int>& start, const std::vector<int>& J,
    const std::vector<int>& q, const std::vector<int>& table_of, const std::vector<int>& table_rows,
    const winstan::one_pass::Reals& basis, const winstan::one_pass::Levels& place, const Shape& shape,
    std::ostream*) {
  using namespace winstan::one_pass;
  using Vector = Eigen::VectorXd;
  const Eigen::Index C = sum_y.size();
  const Vector u = stan::math::value_of(effect);
  const double a = stan::math::value_of(shape);
  const Eigen::Index P = stan::math::value_of(beta).size();
  Vector b(X.cols());
  b.head(P) = stan::math::value_of(beta);
  for (std::size_t k = 0; k < curve_of.size(); ++k)
    b[P + k] = u[curve_of[k] - 1];
  Vector by_b = Vector::Zero(b.size()), by_effect = Vector::Zero(u.size());
  std::vector<Effects> effects;
  for (std::size_t m = 0, column = 0, here = 0; m < J.size(); ++m)
    for (int i = 0; i < q[m]; ++i, ++column) {
      if (told[column] == 0)
        continue;
      const Eigen::Index at = start[m] - 1 + static_cast<Eigen::Index>(i) * J[m] - 1;  // levels are from 1
      effects.push_back({level[m].data(), told[column] == 1 ? nullptr : Z.col(here++).data(), u.data() + at,
                         by_effect.data() + at});
    }
  std::vector<Curves> curves;
  const double* own_basis = basis.data();
  for (std::size_t t = 0; t < table_of.size(); ++t) {
    const int m = table_of[t] - 1;
    curves.emplace_back(own_basis, table_rows[t], u.data() + start[m] - 1, J[m], q[m], place[t].data());
    own_basis += curves.back().basis.size();
  }
  const bool picked = !row.empty();
  Vector of_distinct, by_distinct;
  if (picked) {
    of_distinct = X * b;
    by_distinct = Vector::Zero(X.rows());
  }
  const auto family = likelihood == 1   ? winstan::one_pass::poisson
                      : likelihood == 2 ? winstan::one_pass::binomial
                      : likelihood == 3 ? winstan::one_pass::gamma
                                        : winstan::one_pass::negative_binomial;
  const Numbers all_one = Numbers::Ones(at_once);
  Numbers eta(at_once), slope(at_once), room(at_once);
  double density = 0, by_shape = 0;
  for (Eigen::Index from = 0; from < C; from += at_once) {
    const Eigen::Index size = std::min(at_once, C - from);
    if (size < eta.size())
      for (Numbers* part : {&eta, &slope, &room})
        part->resize(size);
    if (offsets.size() > 0)
      eta = offsets.segment(from, size);
    else
      eta.setZero();
    if (picked)
      for (Eigen::Index i = 0; i < size; ++i)
        eta[i] += of_distinct[row[from + i] - 1];
    else
      eta.matrix().noalias() += X.middleRows(from, size) * b;
    for (const Effects& e : effects) {
      const int* own = e.level + from;
      if (e.z)
        for (Eigen::Index i = 0; i < size; ++i)
          eta[i] += e.z[from + i] * e.u[own[i]];
      else
        for (Eigen::Index i = 0; i < size; ++i)
          eta[i] += e.u[own[i]];
    }
    for (const Curves& c : curves)
      for (Eigen::Index i = 0; i < size; ++i)
        eta[i] += c.value.data()[c.place[from + i] - 1];
    using View = Eigen::Map<const Numbers>;
    Rows rows{View(sum_y.data() + from, size),
              View(n.size() > 0 ? n.data() + from : all_one.data(), size), View(eta.data(), size), slope,
              0, 0, room};
    family(rows, a);
    density += rows.density;
    by_shape += rows.by_shape;
    if (picked)
      for (Eigen::Index i = 0; i < size; ++i)
        by_distinct[row[from + i] - 1] += slope[i];
    else
      by_b.noalias() += X.middleRows(from, size).transpose() * slope.matrix();
    for (const Effects& e : effects) {
      const int* own = e.level + from;
      if (e.z)
        for (Eigen::Index i = 0; i < size; ++i)
          e.slope[own[i]] += e.z[from + i] * slope[i];
      else
        for (Eigen::Index i = 0; i < size; ++i)
          e.slope[own[i]] += slope[i];
    }
    for (Curves& c : curves)
      for (Eigen::Index i = 0; i < size; ++i)
        c.slope.data()[c.place[from + i] - 1] += slope[i];
  }
  if (picked)
    by_b.noalias() += X.transpose() * by_distinct;
  for (std::size_t k = 0; k < curve_of.size(); ++k)
    by_effect[curve_of[k] - 1] += by_b[P + k];
  for (std::size_t t = 0; t < table_of.size(); ++t) {
    const Curves& c = curves[t];
    Eigen::Map<Eigen::MatrixXd>(by_effect.data() + start[table_of[t] - 1] - 1, c.effect.rows(), c.effect.cols())
        .noalias() += c.slope.transpose() * c.basis;
  }
  auto whole = stan::math::make_partials_propagator(beta, effect, shape);
  if constexpr (stan::is_autodiff_v<Beta>)
    stan::math::partials<0>(whole) = by_b.head(P);
  if constexpr (stan::is_autodiff_v<Effect>)
    stan::math::partials<1>(whole) = by_effect;
  if constexpr (stan::is_autodiff_v<Shape>)
    stan::math::partials<2>(whole)[0] = by_shape;
  return whole.build(density);
}

#endif
