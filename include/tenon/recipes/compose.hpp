// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/engine/recipe.hpp"
#include "tenon/model/model_spec.hpp"

namespace tenon {

namespace cpu {
struct backend;
}

/// The recipe whose axes `compose` takes where a list names none: `default_recipe<B>::of<Model>`, specialised
/// beside the recipe of each backend, so that a program includes only the backends that it uses.
template <class Backend> struct default_recipe {
  static_assert(sizeof(Backend) == 0,
                "compose: include the backend's umbrella header, tenon/cpu.hpp or tenon/cuda.cuh");
};

namespace compose_detail {

/// Which axis a policy belongs to is asked of the part of its concept that needs no other axis.
struct backend_axis {
  template <class T> static constexpr bool fits = backend<T>;
};
struct precision_axis {
  template <class T> static constexpr bool fits = precision_policy<T>;
};
struct cache_axis {
  template <class T> static constexpr bool fits = requirement::says_its_pages<T>;
};
struct attention_axis {
  template <class T> static constexpr bool fits = requirement::plans_on_the_host<T>;
};
struct sampler_axis {
  template <class T> static constexpr bool fits = requirement::says_what_it_serves<T>;
};
struct scheduler_axis {
  template <class T>
  static constexpr bool fits = requirement::made_from_limits<T> && requirement::tells_its_state<T>;
};
struct launch_axis {
  template <class T> static constexpr bool fits = requirement::pads_to_buckets<T>;
};
struct parallel_axis {
  template <class T> static constexpr bool fits = requirement::knows_its_rank<T>;
};

template <class T>
inline constexpr int axes_of =
    backend_axis::fits<T> + precision_axis::fits<T> + cache_axis::fits<T> + attention_axis::fits<T> +
    sampler_axis::fits<T> + scheduler_axis::fits<T> + launch_axis::fits<T> + parallel_axis::fits<T>;

/// The first policy of the list that fits the axis, or the default.
template <class Axis, class Default, class... Policies> struct pick {
  using type = Default;
};
template <class Axis, class Default, class First, class... Rest>
struct pick<Axis, Default, First, Rest...>
    : std::conditional_t<Axis::template fits<First>, std::type_identity<First>,
                         pick<Axis, Default, Rest...>> {};

}  // namespace compose_detail

namespace requirement {

/// No two policies of the list are for the same axis.
template <class Axis, class... Policies>
concept names_an_axis_once = (0 + ... + (Axis::template fits<Policies> ? 1 : 0)) <= 1;

}  // namespace requirement

namespace compose_detail {

template <class Axis, class Default, class... Policies>
  requires requirement::names_an_axis_once<Axis, Policies...>
using choose = typename pick<Axis, Default, Policies...>::type;

}  // namespace compose_detail

namespace requirement {

/// A policy that compose can place: it fits exactly one axis.
template <class T>
concept fits_one_axis = compose_detail::axes_of<T> == 1;

}  // namespace requirement

/// A recipe from a model and policies in any order: each finds its own axis, the rest are those of the
/// backend's default recipe: `recipes::reference` unless the list names another backend than the CPU's.
///
///   using mine = tenon::compose<tenon::qwen3_0_6b, tenon::bf16, tenon::static_batch>;
///   using fast = tenon::compose<tenon::qwen3_0_6b, tenon::cuda::backend, tenon::static_batch>;
template <model_spec Model, requirement::fits_one_axis... Policies> struct compose {
 private:
  using chosen_backend = compose_detail::choose<compose_detail::backend_axis, cpu::backend, Policies...>;
  using base = typename default_recipe<chosen_backend>::template of<Model>;

 public:
  using model = Model;
  using backend = chosen_backend;
  using precision =
      compose_detail::choose<compose_detail::precision_axis, typename base::precision, Policies...>;
  using cache = compose_detail::choose<compose_detail::cache_axis, typename base::cache, Policies...>;
  using attention =
      compose_detail::choose<compose_detail::attention_axis, typename base::attention, Policies...>;
  using sampler = compose_detail::choose<compose_detail::sampler_axis, typename base::sampler, Policies...>;
  using scheduler =
      compose_detail::choose<compose_detail::scheduler_axis, typename base::scheduler, Policies...>;
  using launch = compose_detail::choose<compose_detail::launch_axis, typename base::launch, Policies...>;
  using parallel =
      compose_detail::choose<compose_detail::parallel_axis, typename base::parallel, Policies...>;
  using forward = typename base::forward;
  static constexpr tenon::numerics numerics = base::numerics;
};

}  // namespace tenon
