// Stan's assignment of whole values, lighter to run: read before Stan's own, it takes its place.
//
// Stan's puts the words of a possible complaint together before it compares the sizes, two strings at
// every assignment of every gradient: an eighth of the time of the LFP example.
#ifndef WINSTAN_LIGHT_ASSIGN_HPP
#define WINSTAN_LIGHT_ASSIGN_HPP

#include <stan/version.hpp>

// Another Stan may assign otherwise; its own is right for it.
#if STAN_MAJOR == 2 && STAN_MINOR == 39
#define STAN_MODEL_INDEXING_ACCESS_HELPERS_HPP

#include <stan/math/prim/meta.hpp>
#include <stan/math/prim/err/check_size_match.hpp>
#include <stan/math/rev/core.hpp>
#include <stan/math/rev/fun/to_arena.hpp>
#include <stan/math/rev/meta.hpp>

#include <utility>

namespace stan {
namespace model {
namespace internal {

template <typename T, require_var_matrix_t<T>* = nullptr>
auto rowwise_reverse(const T& x) {
  return x.rowwise_reverse();
}
template <typename T, require_eigen_t<T>* = nullptr>
auto rowwise_reverse(const T& x) {
  return x.rowwise().reverse();
}
template <typename T, require_var_matrix_t<T>* = nullptr>
auto colwise_reverse(const T& x) {
  return x.colwise_reverse();
}
template <typename T, require_eigen_t<T>* = nullptr>
auto colwise_reverse(const T& x) {
  return x.colwise().reverse();
}

template <typename T1, typename T2>
void check_same_shape(const T1& x, const T2& y, const char* name) {
  math::check_size_match("assign columns", name, x.cols(), "right hand side columns", y.cols());
  math::check_size_match("assign rows", name, x.rows(), "right hand side rows", y.rows());
}

template <typename T1, typename T2,
          require_all_t<is_stan_scalar<T1>, is_stan_scalar<T2>>* = nullptr>
void assign_impl(T1&& x, T2&& y, const char*) {
  x = std::forward<T2>(y);
}

template <typename T1, typename T2, require_all_var_matrix_t<T1, T2>* = nullptr>
void assign_impl(T1&& x, T2&& y, const char* name) {
  if (!x.is_uninitialized())
    check_same_shape(x, y, name);
  x = std::forward<T2>(y);
}

template <typename T1, typename T2, require_all_eigen_t<T1, T2>* = nullptr>
void assign_impl(T1&& x, T2&& y, const char* name) {
  if (x.size() != 0)
    check_same_shape(x, y, name);
  x = std::forward<T2>(y);
}

template <typename T1, typename T2, require_all_std_vector_t<T1, T2>* = nullptr>
void assign_impl(T1&& x, T2&& y, const char* name) {
  if (x.size() != 0)
    math::check_size_match("assign array size", name, x.size(), "right hand side", y.size());
  x = std::forward<T2>(y);
}

// Numbers into a variable that has values: the reverse pass finds the former ones again.
template <typename T1, typename T2, require_var_matrix_t<T1>* = nullptr,
          require_eigen_st<std::is_arithmetic, T2>* = nullptr>
void assign_impl(T1&& x, T2&& y, const char* name) {
  if (x.is_uninitialized()) {
    x = math::var_value<plain_type_t<T2>>(std::forward<T2>(y));
    return;
  }
  check_same_shape(x, y, name);
  auto former = math::to_arena(x.val());
  x.vi_->val_ = std::forward<T2>(y);
  math::reverse_pass_callback([x, former]() mutable {
    x.vi_->val_ = former;
    x.vi_->adj_.setZero();
  });
}

}  // namespace internal
}  // namespace model
}  // namespace stan
#endif
#endif
