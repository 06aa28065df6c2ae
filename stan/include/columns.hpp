// The functions of columns.stan, with their derivatives.
#ifndef WINSTAN_COLUMNS_HPP
#define WINSTAN_COLUMNS_HPP

#include "term_covariances.hpp"

#include <stan/math/rev/core.hpp>

#include <cmath>
#include <ostream>
#include <stdexcept>
#include <vector>

namespace winstan::columns {

using namespace winstan::term_covariances;

// Entries of a symmetric matrix, row by row of its lower triangle.
inline Index entries(Index n) { return n * (n + 1) / 2; }

// Makes A its lower Cholesky factor.
inline void factorise(Matrix& A) {
  const Index n = A.rows();
  for (Index b = 0; b < n; ++b) {
    if (!(A(b, b) > 0))
      throw std::domain_error("a covariance of the integrated effects is not positive definite");
    A(b, b) = std::sqrt(A(b, b));
    A.col(b).tail(n - b - 1) /= A(b, b);
    for (Index a = b + 1; a < n; ++a)
      A.col(a).tail(n - a) -= A(a, b) * A.col(b).tail(n - a);
  }
}

// The inverse of a lower triangular matrix.
inline void invert(const Matrix& C, Matrix& D) {
  const Index n = C.rows();
  D.setZero(n, n);
  for (Index b = 0; b < n; ++b) {
    D(b, b) = 1;
    for (Index a = b; a < n; ++a) {
      D(a, b) /= C(a, a);
      D.col(b).tail(n - a - 1) -= D(a, b) * C.col(a).tail(n - a - 1);
    }
  }
}

// See columns.stan: the density, and its derivatives by the cross-products and by the roots.
struct Columns {
  double density = 0;
  Vector by_products, by_roots;

  Columns(const Vector& products, const Vector& roots, const Ints& J, const Ints& q, const Ints& correlated,
          const Ints& column, const Table& prior) : by_products(products.size()), by_roots(Vector::Zero(roots.size())) {
    const Index W = prior.rows();
    Matrix G(W, W);
    for (Index i = 0, at = 0; i < W; ++i)
      for (Index j = 0; j <= i; ++j, ++at)
        G(i, j) = G(j, i) = products[at];
    // The columns of effects by the roots, on either side
    const auto each_term = [&](auto visit) {
      Index from = 0;
      for (std::size_t m = 0; m < q.size(); from += q[m] * q[m], ++m)
        if (column[m] > 0)
          visit(ConstSquare(roots.data() + from, q[m], q[m]), column[m] - 1, J[m], correlated[m], from);
    };
    each_term([&](const ConstSquare& L, Index at, Index n, bool across, Index) {
      for (Index i = 0; i < L.rows(); ++i) {
        G.middleRows(at + i * n, n) *= L(i, i);
        for (Index j = i + 1; across && j < L.rows(); ++j)
          G.middleRows(at + i * n, n) += L(j, i) * G.middleRows(at + j * n, n);
      }
    });
    Matrix A = G;
    each_term([&](const ConstSquare& L, Index at, Index n, bool across, Index) {
      for (Index i = 0; i < L.rows(); ++i) {
        A.middleCols(at + i * n, n) *= L(i, i);
        for (Index j = i + 1; across && j < L.rows(); ++j)
          A.middleCols(at + i * n, n) += L(j, i) * A.middleCols(at + j * n, n);
      }
    });
    A += prior;
    factorise(A);
    // The last pivot is what neither columns nor priors explain of the responses.
    const double last = A(W - 1, W - 1);
    density = -0.5 * last * last - A.diagonal().head(W - 1).array().log().sum();
    Matrix D;
    invert(A, D);
    D.row(W - 1) *= last;
    for (Index j = 0; j < W; ++j)
      for (Index i = j; i < W; ++i)
        A(i, j) = A(j, i) = -0.5 * D.col(i).tail(W - i).dot(D.col(j).tail(W - i));
    each_term([&](const ConstSquare& L, Index at, Index n, bool across, Index from) {
      for (Index i = 0; i < L.rows(); ++i)
        for (Index j = across ? 0 : i; j <= i; ++j)
          by_roots[from + j * L.rows() + i]
              = 2 * G.middleCols(at + i * n, n).cwiseProduct(A.middleCols(at + j * n, n)).sum();
    });
    each_term([&](const ConstSquare& L, Index at, Index n, bool across, Index) {
      for (Index i = L.rows(); i-- > 0;) {
        A.middleRows(at + i * n, n) *= L(i, i);
        A.middleCols(at + i * n, n) *= L(i, i);
        for (Index j = 0; across && j < i; ++j)
          A.middleRows(at + i * n, n) += L(i, j) * A.middleRows(at + j * n, n);
        for (Index j = 0; across && j < i; ++j)
          A.middleCols(at + i * n, n) += L(i, j) * A.middleCols(at + j * n, n);
      }
    });
    for (Index i = 0, at = 0; i < W; ++i)
      for (Index j = 0; j <= i; ++j, ++at)
        by_products[at] = i == j ? A(i, i) : 2 * A(i, j);
  }
};

}  // namespace winstan::columns

template <typename Products, typename Roots>
stan::return_type_t<Products, Roots> columns_density(
    const Products& products, const Roots& roots, const winstan::columns::Ints& J,
    const winstan::columns::Ints& q, const winstan::columns::Ints& correlated,
    const winstan::columns::Ints& column, const winstan::columns::Table& prior, std::ostream*) {
  const winstan::columns::Columns of(stan::math::value_of(products), stan::math::value_of(roots), J, q, correlated,
                                     column, prior);
  auto whole = stan::math::make_partials_propagator(products, roots);
  if constexpr (stan::is_autodiff_v<Products>)
    stan::math::partials<0>(whole) = of.by_products;
  if constexpr (stan::is_autodiff_v<Roots>)
    stan::math::partials<1>(whole) = of.by_roots;
  return whole.build(of.density);
}

#endif
