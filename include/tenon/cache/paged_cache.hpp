// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/cache/paged_view.hpp"
#include "tenon/cache/prefix_ledger.hpp"

namespace tenon {

/// Keys and values in pages of `PageTokens` positions, handed out one at a time (Kwon et al. 2023,
/// PagedAttention) and shared between sequences with a common prefix.
template <std::int32_t PageTokens = 16> struct paged_cache {
  static_assert(PageTokens > 0, "a page holds at least one position");
  static constexpr std::string_view name = "paged";

  using ledger = prefix_ledger;

  template <class M, class P> using view = paged_view<typename P::cache, M::shape.head_dim>;

  static constexpr std::int32_t page_tokens(std::int32_t /*max_context*/) noexcept { return PageTokens; }

  /// Every page that memory affords is of use: what no sequence holds keeps prefixes.
  static constexpr std::int64_t useful_pages(std::int32_t /*max_rows*/, std::int64_t affordable) noexcept {
    return std::min<std::int64_t>(affordable, std::numeric_limits<page_id>::max() - 1);
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
