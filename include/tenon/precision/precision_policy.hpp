// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "tenon/backend/weights.hpp"
#include "tenon/core/dtype.hpp"

namespace tenon {

namespace requirement {

/// Types of one element: of an activation between ops, of the key/value cache, of sums.
template <class P>
concept names_storage_types = requires {
  typename P::activation;
  typename P::cache;
  typename P::accumulator;
  { P::name } -> std::convertible_to<std::string_view>;
};

/// A trivially copyable view of a packed weight that kernels take, with its logical extents.
template <class P>
concept names_a_matrix = requires(typename P::matrix const& matrix) {
  { matrix.out_features } -> std::convertible_to<std::int32_t>;
  { matrix.in_features } -> std::convertible_to<std::int32_t>;
} && std::is_trivially_copyable_v<typename P::matrix>;

template <class P>
concept is_stateless = std::is_empty_v<P>;

}  // namespace requirement

/// How numbers are stored and summed. Packing from checkpoint tensors is `matrix_loader<P>` in `checkpoint/`.
template <class P>
concept precision_policy =
    requirement::names_storage_types<P> && requirement::names_a_matrix<P> && requirement::is_stateless<P>;

template <precision_policy P> inline constexpr bool is_precision_policy = true;

}  // namespace tenon
