// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "tenon/core/dtype.hpp"
#include "tenon/work/batch.hpp"

namespace tenon {

/// Consecutive positions of one key/value head that lie next to each other in memory: [tokens, head_dim]
/// each.
template <class Element> struct kv_run {
  Element* keys = nullptr;
  Element* values = nullptr;
  std::int32_t tokens = 0;
};

namespace requirement {

/// The run that starts at `position` of a batch row, and goes on for `tokens` positions at most to the end of
/// what is contiguous. The row's context bounds what has been written.
template <class V>
concept finds_runs = requires(V const& view, batch_view const& batch, std::int32_t layer, std::int32_t row,
                              std::int32_t head, std::int32_t position) {
  { view.run(batch, layer, row, head, position) } -> std::same_as<kv_run<typename V::element_type>>;
};

/// Writes one position's key and value of one head, rounding to the cache's type: a cache with scales owns
/// them here.
template <class V>
concept stores_keys_and_values =
    requires(V const& view, batch_view const& batch, std::int32_t layer, std::int32_t row, std::int32_t head,
             std::int32_t position, float const* key) {
      { view.store(batch, layer, row, head, position, key, key) };
    };

template <class V>
concept copies_pages = requires(V const& view, page_copy copy) {
  { view.copy(copy) };
};

}  // namespace requirement

/// What kernels see of a cache: trivially copyable, head_dim known to the compiler.
template <class V>
concept kv_view = requirement::finds_runs<V> && requirement::stores_keys_and_values<V> &&
                  requirement::copies_pages<V> && std::is_trivially_copyable_v<V> && requires {
                    { V::head_dim } -> std::convertible_to<std::int32_t>;
                  };

template <kv_view V> inline constexpr bool is_kv_view = true;

}  // namespace tenon
