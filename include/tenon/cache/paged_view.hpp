// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "tenon/cache/kv_view.hpp"
#include "tenon/core/dtype.hpp"

namespace tenon {

/// Keys and values in pages of `page_tokens` positions: [pages, layers, 2, kv_heads, page_tokens, head_dim],
/// so that one page with all its layers is one contiguous block. With page_tokens == max_context a page is a
/// whole sequence.
template <class Element, std::int32_t HeadDim> struct paged_view {
  using element_type = Element;
  static constexpr std::int32_t head_dim = HeadDim;

  Element* data = nullptr;
  std::int32_t layers = 0;
  std::int32_t kv_heads = 0;
  std::int32_t page_tokens = 1;

  constexpr std::int64_t head_size() const noexcept {
    return static_cast<std::int64_t>(page_tokens) * HeadDim;
  }
  constexpr std::int64_t page_size() const noexcept { return 2 * layers * kv_heads * head_size(); }

  constexpr kv_run<Element> run(batch_view const& batch, std::int32_t layer, std::int32_t row,
                                std::int32_t head, std::int32_t position) const noexcept {
    std::int32_t const page = batch.table[batch.page_begin[row] + position / page_tokens];
    std::int32_t const offset = position % page_tokens;
    auto* const keys = data + page * page_size() + (2 * layer * kv_heads + head) * head_size() +
                       static_cast<std::int64_t>(offset) * HeadDim;
    return {keys, keys + kv_heads * head_size(), page_tokens - offset};
  }

  constexpr void store(batch_view const& batch, std::int32_t layer, std::int32_t row, std::int32_t head,
                       std::int32_t position, float const* key, float const* value) const noexcept {
    auto const target = run(batch, layer, row, head, position);
    for (std::int32_t i = 0; i < HeadDim; ++i) {
      target.keys[i] = round_to<Element>(key[i]);
      target.values[i] = round_to<Element>(value[i]);
    }
  }

  void copy(page_copy pages) const noexcept {
    std::copy_n(data + pages.from * page_size(), page_size(), data + pages.to * page_size());
  }
};

static_assert(is_kv_view<paged_view<float, 64>>);

}  // namespace tenon
