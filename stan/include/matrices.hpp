// Functions of matrices.stan on many small matrices at once, with their derivatives: entry (a, b) of all
// is one vector, for a >= b.
#ifndef WINSTAN_MATRICES_HPP
#define WINSTAN_MATRICES_HPP

#include <stan/math/rev/core.hpp>

#include <algorithm>
#include <ostream>
#include <vector>

namespace winstan::matrices {

template <typename T>
using Entries = std::vector<std::vector<Eigen::Matrix<T, -1, 1>>>;
using Vars = stan::arena_t<Eigen::Matrix<stan::math::var, -1, -1>>;
using Reals = stan::arena_t<Eigen::MatrixXd>;

inline Eigen::Index at(Eigen::Index a, Eigen::Index b) { return a * (a + 1) / 2 + b; }

// Column by column.
inline Vars columns_of(const Entries<stan::math::var>& V) {
  const auto n = static_cast<Eigen::Index>(V.size());
  Vars out(V[0][0].size(), at(n, 0));
  for (Eigen::Index a = 0; a < n; ++a)
    for (Eigen::Index b = 0; b <= a; ++b)
      out.col(at(a, b)) = V[a][b];
  return out;
}

// The inverse of that; what is above the diagonal is of `like`, which nobody reads.
inline Entries<stan::math::var> entries_of(const Vars& columns, Entries<stan::math::var> like) {
  for (std::size_t a = 0; a < like.size(); ++a)
    for (std::size_t b = 0; b <= a; ++b)
      like[a][b] = columns.col(at(a, b));
  return like;
}

}  // namespace winstan::matrices

inline winstan::matrices::Entries<stan::math::var> cholesky_of_each(
    const winstan::matrices::Entries<stan::math::var>& V, std::ostream*) {
  using namespace winstan::matrices;
  const auto n = static_cast<Eigen::Index>(V.size());
  Vars in = columns_of(V);
  Reals C = in.val();
  for (Eigen::Index b = 0; b < n; ++b) {
    auto root = C.col(at(b, b)).array();
    for (Eigen::Index c = 0; c < b; ++c)
      root -= C.col(at(b, c)).array().square();
    root = root.sqrt();
    for (Eigen::Index a = b + 1; a < n; ++a) {
      auto own = C.col(at(a, b)).array();
      for (Eigen::Index c = 0; c < b; ++c)
        own -= C.col(at(a, c)).array() * C.col(at(b, c)).array();
      own /= root;
    }
  }
  Vars out = C;
  stan::math::reverse_pass_callback([in, out, C, n]() mutable {
    Eigen::ArrayXXd g = out.adj();
    for (Eigen::Index b = n - 1; b >= 0; --b) {
      const auto root = C.col(at(b, b)).array();
      for (Eigen::Index a = n - 1; a > b; --a) {
        auto own = g.col(at(a, b));
        own /= root;
        g.col(at(b, b)) -= own * C.col(at(a, b)).array();
        for (Eigen::Index c = 0; c < b; ++c) {
          g.col(at(a, c)) -= own * C.col(at(b, c)).array();
          g.col(at(b, c)) -= own * C.col(at(a, c)).array();
        }
      }
      auto own = g.col(at(b, b));
      own /= 2 * root;
      for (Eigen::Index c = 0; c < b; ++c)
        g.col(at(b, c)) -= 2 * own * C.col(at(b, c)).array();
    }
    in.adj().array() += g;
  });
  return entries_of(out, V);
}

// Inverses of lower triangular matrices.
inline winstan::matrices::Entries<stan::math::var> lower_inverse_of_each(
    const winstan::matrices::Entries<stan::math::var>& C, std::ostream*) {
  using namespace winstan::matrices;
  const auto n = static_cast<Eigen::Index>(C.size());
  Vars in = columns_of(C);
  Reals D(in.rows(), in.cols());
  for (Eigen::Index b = 0; b < n; ++b) {
    D.col(at(b, b)) = in.col(at(b, b)).val().array().inverse();
    for (Eigen::Index a = b + 1; a < n; ++a) {
      auto own = D.col(at(a, b)).array();
      own.setZero();
      for (Eigen::Index c = b; c < a; ++c)
        own -= in.col(at(a, c)).val().array() * D.col(at(c, b)).array();
      own /= in.col(at(a, a)).val().array();
    }
  }
  Vars out = D;
  stan::math::reverse_pass_callback([in, out, D, n]() mutable {
    const Eigen::ArrayXXd g = out.adj();
    Eigen::ArrayXXd by_inputs = Eigen::ArrayXXd::Zero(D.rows(), D.cols());
    Eigen::ArrayXd left(D.rows());
    for (Eigen::Index a = 0; a < n; ++a)             // of the inputs: -D' g D'
      for (Eigen::Index l = 0; l < n; ++l) {
        left.setZero();
        for (Eigen::Index k = std::max(a, l); k < n; ++k)
          left += D.col(at(k, a)).array() * g.col(at(k, l));
        for (Eigen::Index b = l; b <= a; ++b)
          by_inputs.col(at(a, b)) -= left * D.col(at(b, l)).array();
      }
    in.adj().array() += by_inputs;
  });
  return entries_of(out, C);
}

#endif
