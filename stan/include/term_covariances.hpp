// The function of term_covariances.stan, with its derivative: of so few numbers Stan's own functions, a node
// for each step, took most of a gradient's time.
#ifndef WINSTAN_TERM_COVARIANCES_HPP
#define WINSTAN_TERM_COVARIANCES_HPP

#include "matrices.hpp"
#include "priors.hpp"

#include <stan/math/rev/core.hpp>

#include <cmath>
#include <ostream>
#include <vector>

namespace winstan::term_covariances {

using namespace winstan::matrices;
using Table = Eigen::Ref<const Matrix>;

// What a transform of winstan/marginal/monotone.py gives, its slope, and that of the slope's logarithm.
struct Curve {
  double value, slope, bend;

  Curve(double x, double location, double above, double above_tail, double below, double below_tail) {
    const double arc = std::sqrt(1 + x * x), p = x + arc, n = arc - x;
    value = location + p * (above + above_tail * p) - n * (below + below_tail * n);
    slope = (p * (above + 2 * above_tail * p) + n * (below + 2 * below_tail * n)) / arc;
    bend = (p * (above + 4 * above_tail * p) - n * (below + 4 * below_tail * n)) / (arc * arc * slope)
           - x / (arc * arc);
  }
};

// See term_covariances.stan, whose arguments these are.
class TermCovariances {
  const Table mixing, gram_of_terms, contrasts, sd_prior_p;
  const Reals frequency, lkj;
  const Ints &q, &n_sds, &correlated, &sd_of, &length_of;
  Vector partial, log_sd, sd_slope, slope, bend, column_sd, factors;

 public:
  Vector coordinate, roots;                          // of all terms, each column by column
  double density = 0;

  TermCovariances(const Vector& raw, const Table& mixing, const Reals& location, const Reals& above,
                  const Reals& above_tail, const Reals& below, const Reals& below_tail, const Ints& q,
                  const Ints& n_sds, const Ints& correlated, const Ints& sd_of, const Ints& length_of,
                  const Reals& frequency, const Table& gram_of_terms, const Table& contrasts,
                  const Ints& sd_prior, const Table& sd_prior_p, const Reals& lkj)
      : mixing(mixing), gram_of_terms(gram_of_terms), contrasts(contrasts), sd_prior_p(sd_prior_p),
        frequency(frequency), lkj(lkj), q(q), n_sds(n_sds), correlated(correlated), sd_of(sd_of),
        length_of(length_of), log_sd(sd_prior.size()), sd_slope(log_sd.size()), slope(raw.size()),
        bend(raw.size()), column_sd(sd_of.size()), coordinate(raw.size()) {
    const Vector x = mixing.lazyProduct(raw);
    for (Index i = 0; i < x.size(); ++i) {
      const Curve of(x[i], location[i], above[i], above_tail[i], below[i], below_tail[i]);
      coordinate[i] = of.value;
      slope[i] = of.slope;
      bend[i] = of.bend;
      density += std::log(of.slope);
    }
    Index entries = 0;
    for (const int n : q)
      entries += n * n;
    factors.resize(entries);
    roots.resize(entries);
    each_term([this](Index m, Index k, Index c, Index at, Index pair) {
      Square L(factors.data() + at, this->q[m], this->q[m]);
      const Index n = this->n_sds[m];
      if (this->correlated[m]) {
        density += correlations(coordinate.data() + pair, this->lkj[m], L);
      } else {
        L.setIdentity();
      }
      if (!by_shares(m, c)) {
        log_sd.segment(k, n) = coordinate.segment(k, n);
        return;
      }
      const Matrix share = share_of(k, n, L);
      log_sd.segment(k, n) = (ratio_of(k, n).array() + coordinate[k] - 0.5 * std::log(size_of(k, n, share))).matrix();
    });
    for (Index k = 0; k < log_sd.size(); ++k) {
      const double sd = std::exp(log_sd[k]);
      const auto prior = winstan::priors::of(sd, sd_prior[k], sd_prior_p.row(k));
      density += prior.log + log_sd[k];
      sd_slope[k] = prior.slope * sd + 1;
    }
    for (std::size_t c = 0; c < sd_of.size(); ++c) {
      column_sd[c] = std::exp(log_sd[sd_of[c] - 1]);
      if (length_of[c] > 0) {                        // the root of the spectral density
        const double length = std::exp(log_sd[length_of[c] - 1]), z = length * frequency[c];
        column_sd[c] *= std::sqrt(length * std::sqrt(2 * stan::math::pi())) * std::exp(-0.25 * z * z);
      }
    }
    each_term([this](Index m, Index, Index c, Index at, Index) {
      const Index n = this->q[m];
      Square(roots.data() + at, n, n) = column_sd.segment(c, n).asDiagonal() * Square(factors.data() + at, n, n);
    });
  }

  // Derivatives by raw, of what moves by these with the density, the coordinates and the roots.
  Vector back(double by_density, const Vector& by_coordinate, const Vector& by_roots) {
    Vector by_x = by_coordinate, by_log_sd = by_density * sd_slope;
    each_term([&](Index m, Index, Index c, Index at, Index) {
      const Index n = q[m];
      const Square L(roots.data() + at, n, n);
      const ConstSquare by_L(by_roots.data() + at, n, n);
      for (Index i = 0; i < n; ++i) {
        const double by = L.row(i).head(i + 1).dot(by_L.row(i).head(i + 1));
        by_log_sd[sd_of[c + i] - 1] += by;
        if (const int length = length_of[c + i]; length > 0) {
          const double z = std::exp(log_sd[length - 1]) * frequency[c + i];
          by_log_sd[length - 1] += by * 0.5 * (1 - z * z);
        }
      }
    });
    each_term([&](Index m, Index k, Index c, Index at, Index pair) {
      const Index n = q[m];
      Square L(factors.data() + at, n, n);
      Matrix by_L = Matrix::Zero(n, n);
      if (correlated[m])
        by_L = column_sd.segment(c, n).asDiagonal() * ConstSquare(by_roots.data() + at, n, n);
      const Index sds = n_sds[m];
      const auto by_sds = by_log_sd.segment(k, sds);
      if (by_shares(m, c)) {
        const Matrix share = share_of(k, sds, L);
        const double total = by_sds.sum();
        const Matrix by_share = -total / size_of(k, sds, share)
                                * gram_of_terms.block(k, k, sds, sds).lazyProduct(share).eval();
        Vector by_ratio = by_sds + by_share.cwiseProduct(share).rowwise().sum();
        by_x[k] += total;
        by_x.segment(k, sds) += contrasts.block(k, k, sds, sds).transpose().lazyProduct(by_ratio).eval();
        if (correlated[m])
          by_L += ratio_of(k, sds).array().exp().matrix().asDiagonal() * by_share;
      } else {
        by_x.segment(k, sds) += by_sds;
      }
      if (correlated[m])
        back_from_correlations(coordinate.data() + pair, lkj[m], ConstSquare(L.data(), n, n),
                               ConstSquare(by_L.data(), n, n), by_density, by_x.data() + pair);
    });
    by_x.array() = by_x.array() * slope.array() + by_density * bend.array();
    return mixing.transpose().lazyProduct(by_x);
  }

 private:
  // visit(term, its first sd, its first column, its first entry, its first correlation's coordinate)
  template <typename Visit>
  void each_term(Visit visit) const {
    Index k = 0, c = 0, at = 0, pair = log_sd.size();
    for (std::size_t m = 0; m < q.size(); ++m) {
      visit(static_cast<Index>(m), k, c, at, pair);
      k += n_sds[m];
      c += q[m];
      at += q[m] * q[m];
      if (correlated[m])
        pair += q[m] * (q[m] - 1) / 2;
    }
  }
  // Whether the sds of a term, whose first column this is, are told as that of their sum, and shares.
  bool by_shares(Index m, Index c) const { return n_sds[m] > 1 && length_of[c] == 0; }
  Vector ratio_of(Index k, Index n) const {
    return contrasts.block(k, k, n, n).lazyProduct(coordinate.segment(k, n));
  }
  Matrix share_of(Index k, Index n, const Square& L) const {
    return ratio_of(k, n).array().exp().matrix().asDiagonal() * L;
  }
  double size_of(Index k, Index n, const Matrix& share) const {
    return share.cwiseProduct(gram_of_terms.block(k, k, n, n).lazyProduct(share)).sum();
  }
};

}  // namespace winstan::term_covariances

// The density, the coordinates, and the roots, end to end.
template <typename Raw>
Eigen::Matrix<stan::value_type_t<Raw>, -1, 1> term_covariances(
    const Raw& raw, const winstan::term_covariances::Table& mixing,
    const winstan::term_covariances::Reals& location, const winstan::term_covariances::Reals& above,
    const winstan::term_covariances::Reals& above_tail, const winstan::term_covariances::Reals& below,
    const winstan::term_covariances::Reals& below_tail, const winstan::term_covariances::Ints& q,
    const winstan::term_covariances::Ints& n_sds, const winstan::term_covariances::Ints& correlated,
    const winstan::term_covariances::Ints& sd_of, const winstan::term_covariances::Ints& length_of,
    const winstan::term_covariances::Reals& frequency,
    const winstan::term_covariances::Table& gram_of_terms,
    const winstan::term_covariances::Table& contrasts, const winstan::term_covariances::Ints& sd_prior,
    const winstan::term_covariances::Table& sd_prior_p, const winstan::term_covariances::Reals& lkj,
    std::ostream*) {
  using namespace winstan::term_covariances;
  auto* const kept = stan::math::make_chainable_ptr(TermCovariances(
      stan::math::value_of(raw), mixing, location, above, above_tail, below, below_tail, q, n_sds,
      correlated, sd_of, length_of, frequency, gram_of_terms, contrasts, sd_prior, sd_prior_p, lkj));
  const Index D = kept->coordinate.size(), entries = kept->roots.size();
  Vector packed(1 + D + entries);
  packed << kept->density, kept->coordinate, kept->roots;
  if constexpr (stan::is_var<stan::value_type_t<Raw>>::value) {
    stan::arena_t<Raw> in = raw;
    stan::arena_t<Eigen::Matrix<stan::math::var, -1, 1>> out = packed;
    stan::math::reverse_pass_callback([in, out, kept, D, entries]() mutable {
      in.adj() += kept->back(out[0].adj(), out.segment(1, D).adj(), out.tail(entries).adj());
    });
    return out;
  } else {
    return packed;
  }
}

#endif
