// Stan's base class of models, lighter to compile: read before Stan's own, it takes its place.
//
// Stan's instantiates a model's density sixteen times: for numbers and for autodiff variables, in
// Eigen's and the standard library's vectors, with and without constants, with and without the
// Jacobian. The services that the driver calls need the gradient without constants, and beside it
// only whether the density at the start is finite. So one instantiation serves all: the number is
// the value of the autodiff variable, the standard vectors are copied, constants that Stan may drop
// in `~` statements are always dropped (those of `target +=` never are), and there is no density
// without the Jacobian.
//
// winstan's own templates (WINSTAN_TEMPLATE) read no more of Stan Math than they call. What they index
// by is their data's, whose ranges and sizes the programs check as they read them
// (stan/include/data.stan, transformed_data.stan): none is checked again at each gradient.
#ifndef WINSTAN_LIGHT_MODEL_HPP
#define WINSTAN_LIGHT_MODEL_HPP

#include <stan/version.hpp>

// Of what runs once, such as the constructor, which reads the data (build.py): no optimisation.
#ifdef __clang__
#define WINSTAN_ONCE __attribute__((noinline, optnone))
#else
#define WINSTAN_ONCE __attribute__((cold, optimize("O0")))
#endif

// Another Stan may have another interface; its own class is right for it.
#if STAN_MAJOR == 2 && STAN_MINOR == 39
#define STAN_MODEL_MODEL_BASE_CRTP_HPP

#ifdef WINSTAN_TEMPLATE
#define STAN_NO_RANGE_CHECKS
#include "light_math.hpp"
#include "light_assign.hpp"
#endif
#include <stan/model/model_base.hpp>

#include <ostream>
#include <stdexcept>
#include <vector>

namespace stan {
namespace model {

template <typename M>
class model_base_crtp : public model_base {
  using Log = std::ostream*;
  using Reals = Eigen::VectorXd;
  using Vars = Eigen::Matrix<math::var, -1, 1>;
  using StdReals = std::vector<double>;
  using StdVars = std::vector<math::var>;
  using StdInts = std::vector<int>;

  const M& self() const { return *static_cast<const M*>(this); }

  math::var density(Vars& x, Log log) const {
    return self().template log_prob<true, true>(x, log);
  }
  double value(const Reals& x, Log log) const {
    math::nested_rev_autodiff nested;
    Vars copy = x.cast<math::var>();
    return density(copy, log).val();
  }
  static Reals eigen(const StdReals& x) { return Eigen::Map<const Reals>(x.data(), x.size()); }
  static Vars eigen(const StdVars& x) { return Eigen::Map<const Vars>(x.data(), x.size()); }
  [[noreturn]] static void no_jacobian() {
    throw std::domain_error("this program has no density without the Jacobian (jacobian=0)");
  }

 public:
  explicit model_base_crtp(std::size_t num_params_r) : model_base(num_params_r) {}

  double log_prob(Reals&, Log) const override { no_jacobian(); }
  math::var log_prob(Vars&, Log) const override { no_jacobian(); }
  double log_prob(StdReals&, StdInts&, Log) const override { no_jacobian(); }
  math::var log_prob(StdVars&, StdInts&, Log) const override { no_jacobian(); }
  double log_prob_jacobian(Reals& x, Log log) const override { return value(x, log); }
  math::var log_prob_jacobian(Vars& x, Log log) const override { return density(x, log); }
  double log_prob_jacobian(StdReals& x, StdInts&, Log log) const override {
    return value(eigen(x), log);
  }
  math::var log_prob_jacobian(StdVars& x, StdInts&, Log log) const override {
    Vars copy = eigen(x);
    return density(copy, log);
  }
  double log_prob_propto(Reals&, Log) const override { no_jacobian(); }
  math::var log_prob_propto(Vars&, Log) const override { no_jacobian(); }
  double log_prob_propto(StdReals&, StdInts&, Log) const override { no_jacobian(); }
  math::var log_prob_propto(StdVars&, StdInts&, Log) const override { no_jacobian(); }
  double log_prob_propto_jacobian(Reals& x, Log log) const override { return value(x, log); }
  math::var log_prob_propto_jacobian(Vars& x, Log log) const override { return density(x, log); }
  double log_prob_propto_jacobian(StdReals& x, StdInts&, Log log) const override {
    return value(eigen(x), log);
  }
  math::var log_prob_propto_jacobian(StdVars& x, StdInts&, Log log) const override {
    Vars copy = eigen(x);
    return density(copy, log);
  }

  void write_array(rng_t& rng, Reals& x, Reals& values, bool transformed = true,
                   bool generated = true, Log log = nullptr) const override {
    self().write_array(rng, x, values, transformed, generated, log);
  }
  void write_array(rng_t& rng, StdReals& x, StdInts&, StdReals& values, bool transformed = true,
                   bool generated = true, Log log = nullptr) const override {
    Reals copy = eigen(x), out;
    self().write_array(rng, copy, out, transformed, generated, log);
    values.assign(out.data(), out.data() + out.size());
  }
  void unconstrain_array(const Reals& constrained, Reals& x, Log log = nullptr) const override {
    self().unconstrain_array(constrained, x, log);
  }
  void unconstrain_array(const StdReals& constrained, StdReals& x,
                         Log log = nullptr) const override {
    Reals out;
    self().unconstrain_array(eigen(constrained), out, log);
    x.assign(out.data(), out.data() + out.size());
  }
  void transform_inits(const io::var_context& context, Reals& x, Log log) const override {
    self().transform_inits(context, x, log);
  }
};

}  // namespace model
}  // namespace stan
#endif
#endif
