// The function of given_noise.stan, with its derivative: as Stan's functions of matrices its Cholesky factor,
// its inverse and their products took as long to compile as everything else.
//
// G being the rows' columns times the roots of the effects' covariances, w their information and r their
// responses, K K' = 1 + G' w G; the scores are K'^-1 (x + K^-1 G' w r). All is small: up to forty columns.
#ifndef WINSTAN_GIVEN_NOISE_HPP
#define WINSTAN_GIVEN_NOISE_HPP

#include <stan/math/rev/core.hpp>

#include <cmath>
#include <ostream>
#include <stdexcept>
#include <vector>

namespace winstan::given_noise {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using Table = Eigen::Ref<const Eigen::MatrixXd>;
using Reals = Eigen::Ref<const Eigen::VectorXd>;
using Ints = std::vector<int>;
template <typename T>
using Scalars = Eigen::Matrix<T, -1, 1>;
using Index = Eigen::Index;

// Calls visit(c, a, from c, from a, levels, column, entry) for each entry of each term's root: what columns
// of effect c, from there on, are multiplied by in those of effect a, is sd `column` times entry `entry` of
// the correlations' factors, or no entry (-1) where effects are independent.
template <typename Visit>
void each_entry(Index first, const Ints& q, const Ints& levels, const Ints& correlated, Visit visit) {
  Index k = 0, f = 0;
  for (std::size_t m = 0; m < q.size(); ++m) {
    const Index n = q[m], J = levels[m];
    for (Index a = 0; a < n; ++a)
      for (Index c = a; c < (correlated[m] ? n : a + 1); ++c)
        visit(first + c * J, first + a * J, J, k + c, correlated[m] ? f + a * n + c : -1);
    first += n * J;
    k += n;
    if (correlated[m])
      f += n * n;
  }
}

// The inverse of the lower Cholesky factor; a matrix that has none is no number.
inline Matrix inverse_root(Matrix A) {
  const Index n = A.rows();
  Matrix D = Matrix::Zero(n, n);
  for (Index b = 0; b < n; ++b) {
    for (Index c = 0; c < b; ++c)
      A.col(b).tail(n - b) -= A(b, c) * A.col(c).tail(n - b);
    if (!(A(b, b) > 0))
      throw std::domain_error("the precision given the noise is not positive definite");
    A.col(b).tail(n - b) /= std::sqrt(A(b, b));
  }
  for (Index b = 0; b < n; ++b) {
    D(b, b) = 1;
    for (Index a = b; a < n; ++a) {
      D(a, b) /= A(a, a);
      D.col(b).tail(n - a - 1) -= D(a, b) * A.col(a).tail(n - a - 1);
    }
  }
  return D;
}

}  // namespace winstan::given_noise

template <typename T>
std::vector<T> change_given_noise(
    const std::vector<T>& x, const T& log_noise, const winstan::given_noise::Scalars<T>& column_sd,
    const winstan::given_noise::Scalars<T>& corr_factor,
    const winstan::given_noise::Table& columns, const winstan::given_noise::Reals& fixed,
    const winstan::given_noise::Reals& scaled, double power, const winstan::given_noise::Reals& response,
    const winstan::given_noise::Ints& q, const winstan::given_noise::Ints& levels,
    const winstan::given_noise::Ints& correlated, std::ostream*) {
  using namespace winstan::given_noise;
  using stan::math::value_of;
  const auto n = static_cast<Index>(x.size());
  Index first = n;
  for (std::size_t m = 0; m < q.size(); ++m)
    first -= q[m] * levels[m];

  struct Kept {                                      // for the way back
    Matrix columns, G, inverse;
    Vector w, grown, r, told, v, scores;
    Ints q, levels, correlated;
  };
  Kept* const kept = stan::math::make_chainable_ptr(Kept{});
  Matrix& G = kept->G;
  kept->columns = G = columns;
  each_entry(first, q, levels, correlated, [&](Index c, Index a, Index J, Index sd, Index entry) {
    const double root = value_of(column_sd[sd]) * (entry < 0 ? 1 : value_of(corr_factor[entry]));
    if (a == c)
      G.middleCols(a, J) = root * columns.middleCols(c, J);
    else
      G.middleCols(a, J) += root * columns.middleCols(c, J);
  });
  kept->grown = scaled * std::exp(power * value_of(log_noise));
  kept->w = fixed + kept->grown;
  kept->r = response;
  const Matrix weighted = kept->w.asDiagonal() * G;
  Matrix A = G.transpose().lazyProduct(weighted);
  A.diagonal().array() += 1;
  const Matrix& D = kept->inverse = inverse_root(std::move(A));
  kept->told = D.lazyProduct(weighted.transpose().lazyProduct(kept->r).eval());
  kept->v = kept->told;
  for (Index i = 0; i < n; ++i)
    kept->v[i] += value_of(x[i]);
  kept->scores = D.transpose().lazyProduct(kept->v);
  kept->q = q;
  kept->levels = levels;
  kept->correlated = correlated;

  stan::arena_t<std::vector<T>> in(x.begin(), x.end()), out(n + 1);
  for (Index i = 0; i < n; ++i)
    out[i] = kept->scores[i] - value_of(x[i]);
  out[n] = D.diagonal().array().log().sum();
  if constexpr (stan::is_var<T>::value) {
    stan::arena_t<Scalars<T>> sd = column_sd, factor = corr_factor;
    stan::math::reverse_pass_callback([=]() mutable {
      const Matrix &G = kept->G, &D = kept->inverse;
      Vector g(n);
      for (Index i = 0; i < n; ++i)
        g[i] = out[i].adj();
      // By K, lower triangular, of which D is the inverse; then by K K' (Murray 2016, arXiv 1602.07527)
      const Vector by_v = D.lazyProduct(g), by_b = D.transpose().lazyProduct(by_v);
      Matrix by_K = -kept->scores * by_v.transpose() - by_b * kept->told.transpose();
      by_K.diagonal() -= out[n].adj() * D.diagonal();
      for (Index i = 0; i < n; ++i)
        in[i].adj() += by_v[i] - g[i];
      Matrix K = Matrix::Zero(n, n);                   // from its inverse
      for (Index b = 0; b < n; ++b)
        for (Index a = b; a < n; ++a) {
          double rest = a == b;
          for (Index c = b; c < a; ++c)
            rest -= D(a, c) * K(c, b);
          K(a, b) = rest / D(a, a);
        }
      Matrix inner = K.transpose().lazyProduct(by_K.triangularView<Eigen::Lower>().toDenseMatrix());
      inner = inner.triangularView<Eigen::Lower>().toDenseMatrix().eval();
      inner.diagonal() *= 0.5;
      const Matrix half = D.transpose().lazyProduct(inner.lazyProduct(D).eval());
      const Matrix by_A = 0.5 * (half + half.transpose());
      const Matrix GA = G.lazyProduct(by_A);
      const Vector Gb = G.lazyProduct(by_b);
      const Vector by_w = GA.cwiseProduct(G).rowwise().sum() + kept->r.cwiseProduct(Gb);
      log_noise.adj() += power * by_w.dot(kept->grown);
      const Matrix by_G = 2 * (kept->w.asDiagonal() * GA) + kept->w.cwiseProduct(kept->r) * by_b.transpose();
      each_entry(first, kept->q, kept->levels, kept->correlated,
                 [&](Index c, Index a, Index J, Index k, Index entry) {
                   const double by_root
                       = by_G.middleCols(a, J).cwiseProduct(kept->columns.middleCols(c, J)).sum();
                   sd[k].adj() += by_root * (entry < 0 ? 1 : factor[entry].val());
                   if (entry >= 0)
                     factor[entry].adj() += by_root * sd[k].val();
                 });
    });
  }
  return {out.begin(), out.end()};
}

#endif
