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

#include <type_traits>
#include <utility>

namespace stan {
namespace model {
namespace internal {

template <typename T>
auto rowwise_reverse(const T& x) {
  if constexpr (is_var_matrix<T>::value)
    return x.rowwise_reverse();
  else
    return x.rowwise().reverse();
}
template <typename T>
auto colwise_reverse(const T& x) {
  if constexpr (is_var_matrix<T>::value)
    return x.colwise_reverse();
  else
    return x.colwise().reverse();
}

// Whether a value has a size to keep: what was only declared takes any.
template <typename T>
bool has_size(T& x) {
  if constexpr (is_var_matrix<T>::value)
    return !x.is_uninitialized();
  else
    return x.size() != 0;
}

template <typename T, typename U>
void check_same_size(const T& x, const U& y, const char* name) {
  if constexpr (is_std_vector<T>::value) {
    math::check_size_match("assignment", name, x.size(), "the array assigned", y.size());
  } else {
    math::check_size_match("assignment", name, x.cols(), "columns assigned", y.cols());
    math::check_size_match("assignment", name, x.rows(), "rows assigned", y.rows());
  }
}

template <typename T, typename U>
void assign_impl(T&& x, U&& y, const char* name) {
  using To = std::decay_t<T>;
  using From = std::decay_t<U>;
  if constexpr (is_stan_scalar<To>::value) {
    x = std::forward<U>(y);
  } else {
    const bool sized = has_size(x);
    if (sized)
      check_same_size(x, y, name);
    if constexpr (!is_var_matrix<To>::value || is_var_matrix<From>::value) {
      x = std::forward<U>(y);
    } else if (!sized) {
      x = math::var_value<plain_type_t<From>>(std::forward<U>(y));
    } else {
      // Numbers in a variable's place: the reverse pass, which comes from the end, finds its own again
      auto former = math::to_arena(x.val());
      x.vi_->val_ = std::forward<U>(y);
      math::reverse_pass_callback([x, former]() mutable {
        x.vi_->val_ = former;
        x.vi_->adj_.setZero();
      });
    }
  }
}

}  // namespace internal
}  // namespace model
}  // namespace stan
#endif
#endif
