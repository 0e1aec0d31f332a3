// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/core/ids.hpp"
#include "tenon/work/request.hpp"

namespace tenon {

/// The scope in which a request's prompt meets cached pages: its own, apart for every adapter and rope set,
/// whose keys and values differ.
inline cache_scope prefix_scope(request const& wish) noexcept {
  if (wish.adapter == 0 && wish.rope_set == 0) return wish.scope;
  auto scope = static_cast<std::uint64_t>(wish.scope);
  for (std::int32_t const part : {0, wish.adapter, wish.rope_set}) {  // neighbouring scopes go apart first
    scope = (scope + static_cast<std::uint32_t>(part)) * 0x9e3779b97f4a7c15u + 1;
    scope ^= scope >> 29;
  }
  return cache_scope{scope};
}

}  // namespace tenon
