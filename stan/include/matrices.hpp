// Functions of matrices.stan, with their derivatives.
#ifndef WINSTAN_MATRICES_HPP
#define WINSTAN_MATRICES_HPP

#include <stan/math/rev/core.hpp>
#include <stan/math/prim/fun/constants.hpp>

#include <algorithm>
#include <cmath>
#include <ostream>
#include <stdexcept>
#include <vector>

namespace winstan::matrices {

using Index = Eigen::Index;
using Ints = std::vector<int>;
using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;
using Square = Eigen::Map<Matrix>;
using ConstSquare = Eigen::Map<const Matrix>;
using Reals = Eigen::Ref<const Vector>;

// The Cholesky factor of a correlation matrix by artanh of its canonical partial correlations, row by row;
// returns the logarithm of the Jacobian (Lewandowski, Kurowicka & Joe 2009, Journal of Multivariate Analysis
// 100, 1989-2001) and of the LKJ density, without its constants.
inline double correlations(const double* y, double lkj, Square L) {
  double density = 0;
  L.setZero();
  for (Index i = 0; i < L.rows(); ++i) {
    double log_left = 0;                             // of what earlier columns leave of one
    for (Index j = 0; j < i; ++j, ++y) {
      const double size = std::abs(*y);
      const double log_rest = 2 * (stan::math::LOG_TWO - size - std::log1p(std::exp(-2 * size)));
      L(i, j) = std::tanh(*y) * std::exp(0.5 * log_left);
      density += log_rest + 0.5 * log_left;          // 1 - tanh(y)^2, and the columns' lengths
      log_left += log_rest;
    }
    L(i, i) = std::exp(0.5 * log_left);
    if (!(L(i, i) > 0))
      throw std::domain_error("a correlation of effects is one");
    if (i > 0)
      density += (L.rows() - i - 1 + 2 * lkj - 2) * 0.5 * log_left;
  }
  return density;
}

// Adds the derivatives by y of `by_density` times that, and of what moves by `by_L` with L.
inline void back_from_correlations(const double* y, double lkj, const ConstSquare& L, const ConstSquare& by_L,
                                   double by_density, double* by_y) {
  for (Index i = 0; i < L.rows(); y += i, by_y += i, ++i) {
    double left = L(i, i), later = 0.5 * (by_L(i, i) * left + by_density * (L.rows() - i - 1 + 2 * lkj - 2));
    for (Index j = i; j-- > 0;) {
      const double z = std::tanh(y[j]), root = std::cosh(y[j]);
      left *= root;
      by_y[j] += by_L(i, j) * left / (root * root) - 2 * z * (later + by_density);
      later += 0.5 * (by_L(i, j) * L(i, j) + by_density);
    }
  }
}

// Entry (a, b) of many symmetric or lower triangular matrices is a column, for a >= b.
using Each = Eigen::ArrayXXd;

inline Index at(Index a, Index b) { return a * (a + 1) / 2 + b; }

// Makes them their lower Cholesky factors. What is no number is not positive definite.
inline void factorise_each(Each& C, Index n) {
  for (Index b = 0; b < n; ++b) {
    auto root = C.col(at(b, b));
    for (Index c = 0; c < b; ++c)
      root -= C.col(at(b, c)).square();
    root = root.sqrt();
    for (Index a = b + 1; a < n; ++a) {
      auto own = C.col(at(a, b));
      for (Index c = 0; c < b; ++c)
        own -= C.col(at(a, c)) * C.col(at(b, c));
      own /= root;
    }
  }
}

// The inverses of lower triangular matrices.
inline Each inverses_of(const Each& C, Index n) {
  Each D(C.rows(), C.cols());
  for (Index b = 0; b < n; ++b) {
    D.col(at(b, b)) = C.col(at(b, b)).inverse();
    for (Index a = b + 1; a < n; ++a) {
      auto own = D.col(at(a, b));
      own = -C.col(at(a, b)) * D.col(at(b, b));
      for (Index c = b + 1; c < a; ++c)
        own -= C.col(at(a, c)) * D.col(at(c, b));
      own /= C.col(at(a, a));
    }
  }
  return D;
}

template <typename T>
using Entries = std::vector<std::vector<Eigen::Matrix<T, -1, 1>>>;

// Above the diagonal there is what nobody reads.
template <typename T, typename Columns>
Entries<T> entries_of(const Columns& columns, Index n) {
  Entries<T> out(n, typename Entries<T>::value_type(n, Eigen::Matrix<T, -1, 1>(columns.rows())));
  for (Index a = 0; a < n; ++a)
    for (Index b = 0; b < n; ++b)
      out[a][b] = columns.col(at(std::max(a, b), std::min(a, b)));
  return out;
}

}  // namespace winstan::matrices

template <typename Partial>
Eigen::Matrix<stan::value_type_t<Partial>, -1, 1> correlation_factors(
    const Partial& partial, const winstan::matrices::Ints& q, const winstan::matrices::Ints& correlated,
    const winstan::matrices::Reals& lkj, std::ostream*) {
  using namespace winstan::matrices;
  const auto& given = stan::math::to_ref(partial);
  const stan::arena_t<Vector> y = stan::math::value_of(given);
  Index size = 1;
  for (std::size_t m = 0; m < q.size(); ++m)
    size += correlated[m] ? q[m] * q[m] : 0;
  // visit(effects, the prior's number, the first place of the factor, that of the partial correlations)
  const auto each_term = [&q, &correlated, lkj](auto visit) {
    Index first = 1, pair = 0;
    for (std::size_t m = 0; m < q.size(); ++m)
      if (correlated[m]) {
        visit(q[m], lkj[m], first, pair);
        first += q[m] * q[m];
        pair += q[m] * (q[m] - 1) / 2;
      }
  };
  stan::arena_t<Vector> value(size);
  value[0] = 0;
  each_term([&](Index n, double prior, Index first, Index pair) {
    value[0] += correlations(y.data() + pair, prior, Square(value.data() + first, n, n));
  });
  if constexpr (stan::is_var<stan::value_type_t<Partial>>::value) {
    stan::arena_t<Eigen::Matrix<stan::math::var, -1, 1>> in = given, out = value;
    stan::math::reverse_pass_callback([in, out, y, value, each_term]() mutable {
      const Vector by = out.adj();
      Vector by_y = Vector::Zero(y.size());
      each_term([&](Index n, double prior, Index first, Index pair) {
        back_from_correlations(y.data() + pair, prior, ConstSquare(value.data() + first, n, n),
                               ConstSquare(by.data() + first, n, n), by[0], by_y.data() + pair);
      });
      in.adj() += by_y;
    });
    return out;
  } else {
    return value;
  }
}

template <typename T>
winstan::matrices::Entries<T> cholesky_of_each(const winstan::matrices::Entries<T>& V, std::ostream*) {
  using namespace winstan::matrices;
  const auto n = static_cast<Index>(V.size());
  Eigen::Matrix<T, -1, -1> in(V[0][0].size(), at(n, 0));
  for (Index a = 0; a < n; ++a)
    for (Index b = 0; b <= a; ++b)
      in.col(at(a, b)) = V[a][b];
  Each C = stan::math::value_of(in).array();
  factorise_each(C, n);
  if constexpr (stan::is_var<T>::value) {
    stan::arena_t<Eigen::Matrix<T, -1, -1>> kept = in, out = C.matrix();
    stan::math::reverse_pass_callback([kept, out, n]() mutable {
      const Each C = out.val().array();
      Each g = out.adj().array();
      for (Index b = n - 1; b >= 0; --b) {
        const auto root = C.col(at(b, b));
        for (Index a = n - 1; a > b; --a) {
          auto own = g.col(at(a, b));
          own /= root;
          g.col(at(b, b)) -= own * C.col(at(a, b));
          for (Index c = 0; c < b; ++c) {
            g.col(at(a, c)) -= own * C.col(at(b, c));
            g.col(at(b, c)) -= own * C.col(at(a, c));
          }
        }
        auto own = g.col(at(b, b));
        own /= 2 * root;
        for (Index c = 0; c < b; ++c)
          g.col(at(b, c)) -= 2 * own * C.col(at(b, c));
      }
      kept.adj().array() += g;
    });
    return entries_of<T>(out, n);
  } else {
    return entries_of<T>(C.matrix(), n);
  }
}

template <typename Root>
winstan::matrices::Entries<stan::value_type_t<Root>> whitening_of_each(const Root& L, int correlated,
                                                                       const winstan::matrices::Reals& information,
                                                                       int n_classes, std::ostream*) {
  using namespace winstan::matrices;
  using T = stan::value_type_t<Root>;
  const Index q = L.rows(), n = n_classes;
  const stan::arena_t<Matrix> root = stan::math::value_of(L);
  const double* first = information.data();
  // Entry (c, d) of the classes' information
  const auto of = [first, q, n](Index c, Index d) { return Eigen::Map<const Eigen::ArrayXd>(first + (c * q + d) * n, n); };
  const auto last = [q, correlated](Index a) { return correlated ? q : a + 1; };  // of a column of L
  Each C(n, at(q, 0));
  Eigen::ArrayXd row(n);
  for (Index b = 0; b < q; ++b) {
    for (Index a = b; a < q; ++a)
      C.col(at(a, b)).setConstant(a == b);
    for (Index c = b; c < q; ++c) {                  // by entry (c, b) of I L
      row.setZero();
      for (Index d = b; d < last(b); ++d)
        row += root(d, b) * of(c, d);
      for (Index a = correlated ? b : c; a <= c; ++a)
        C.col(at(a, b)) += root(c, a) * row;
    }
  }
  factorise_each(C, q);
  const Each D = inverses_of(C, q);
  if constexpr (!stan::is_var<T>::value) {
    return entries_of<T>(D.matrix(), q);
  } else {
    stan::arena_t<Eigen::Matrix<T, -1, -1>> in = L, out = D.matrix();
    stan::math::reverse_pass_callback([in, out, root, of, last, q, n, correlated]() mutable {
      const auto by = out.adj();
      const Each D = out.val().array(), by_D = by.array();
      // dD = -P(D dM D') D, M = 1 + L' I L and P taking the lower half, with half of the diagonal
      Each S(n, q * q);                              // of the symmetric D dM D', column by column
      for (Index a = 0; a < q; ++a)
        for (Index b = 0; b <= a; ++b) {
          auto own = S.col(b * q + a);
          own.setZero();
          for (Index c = 0; c <= b; ++c)
            own -= by_D.col(at(a, c)) * D.col(at(b, c));
          own *= 0.5;
          S.col(a * q + b) = own;
        }
      Each half(n, q * q), by_M(n, q * q);
      if (n == 1) {                                  // one class, of many effects as a rule
        Matrix own = Matrix::Zero(q, q);
        for (Index a = 0; a < q; ++a)
          for (Index b = 0; b <= a; ++b)
            own(a, b) = D(0, at(a, b));
        Square(half.data(), q, q) = Square(S.data(), q, q).lazyProduct(own);
        Square(by_M.data(), q, q) = own.transpose().lazyProduct(Square(half.data(), q, q));
      }
      for (Index b = 0; n > 1 && b < q; ++b)         // S D
        for (Index a = 0; a < q; ++a) {
          auto own = half.col(b * q + a);
          own.setZero();
          for (Index c = b; c < q; ++c)
            own += S.col(c * q + a) * D.col(at(c, b));
        }
      for (Index b = 0; n > 1 && b < q; ++b)         // D' S D
        for (Index a = 0; a < q; ++a) {
          auto own = by_M.col(b * q + a);
          own.setZero();
          for (Index c = a; c < q; ++c)
            own += D.col(at(c, a)) * half.col(b * q + c);
        }
      for (Index a = 0; a < q; ++a)                  // I L, where `half` was
        for (Index c = 0; c < q; ++c) {
          auto own = half.col(a * q + c);
          own.setZero();
          for (Index d = a; d < last(a); ++d)
            own += root(d, a) * of(c, d);
        }
      for (Index b = 0; b < q; ++b)                  // 2 I L D' S D
        for (Index c = b; c < last(b); ++c)
          for (Index a = 0; a < q; ++a)
            in(c, b).adj() += 2 * (half.col(a * q + c) * by_M.col(b * q + a)).sum();
    });
    return entries_of<T>(out, q);
  }
}

#endif
