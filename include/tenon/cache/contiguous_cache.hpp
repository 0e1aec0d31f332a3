// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/cache/contiguous_ledger.hpp"
#include "tenon/cache/paged_view.hpp"

namespace tenon {

/// One region of max_context positions a sequence: no page look-ups, no sharing, memory for the longest case.
/// What paged caches are compared with.
struct contiguous_cache {
  static constexpr std::string_view name = "contiguous";

  using ledger = contiguous_ledger;

  template <class M, class P> using view = paged_view<typename P::cache, M::shape.head_dim>;

  static constexpr std::int32_t page_tokens(std::int32_t max_context) noexcept { return max_context; }

  /// One region a row is all that can be of use.
  static constexpr std::int64_t useful_pages(std::int32_t max_rows, std::int64_t affordable) noexcept {
    return std::min<std::int64_t>(affordable, max_rows);
  }

  template <class M, class P> static constexpr std::size_t page_bytes(std::int32_t tokens) noexcept {
    return static_cast<std::size_t>(make_view<M, P>(nullptr, tokens).page_size()) * sizeof(typename P::cache);
  }

  template <class M, class P>
  static constexpr view<M, P> make_view(std::byte* memory, std::int32_t tokens) noexcept {
    return {.data = reinterpret_cast<typename P::cache*>(memory),
            .layers = M::shape.layers,
            .kv_heads = M::shape.kv_heads,
            .page_tokens = tokens};
  }
};

}  // namespace tenon
