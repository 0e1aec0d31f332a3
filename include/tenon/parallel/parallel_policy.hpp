// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "tenon/core/tensor_view.hpp"

namespace tenon {

namespace requirement {

template <class L>
concept knows_its_rank = requires(L const& parallel) {
  { parallel.rank() } -> std::same_as<std::int32_t>;
  { L::world } -> std::convertible_to<std::int32_t>;
  { L::name } -> std::convertible_to<std::string_view>;
};

/// Both are enqueued on the context, in place, and every rank calls them in the same order.
template <class L, class B>
concept combines_ranks = requires(L& parallel, typename B::context& context, matrix_view<float> values) {
  { parallel.all_reduce(context, values) };  // sums over ranks
  { parallel.all_gather(context, values) };  // each rank's columns, side by side
};

}  // namespace requirement

/// How one model is spread over devices. Rank 0 alone adds the replicated residual: `keep_residual` of
/// linear_residual.
template <class L, class B>
concept parallel_policy = requirement::knows_its_rank<L> && requirement::combines_ranks<L, B>;

template <class L, class B>
  requires parallel_policy<L, B>
inline constexpr bool is_parallel_policy = true;

}  // namespace tenon
