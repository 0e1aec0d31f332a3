// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/core/ids.hpp"
#include "tenon/work/request.hpp"

namespace tenon {

/// The scope in which a request's prompt meets cached pages: its own, apart for every adapter and rope set,
/// whose keys and values differ.
inline cache_scope prefix_scope(request const& wish) noexcept {
  auto scope = static_cast<std::uint64_t>(wish.scope);
  for (std::int32_t const part : {wish.adapter, wish.rope_set})
    if (part != 0) scope = (scope ^ static_cast<std::uint32_t>(part)) * 0x9e3779b97f4a7c15u + 1;
  return cache_scope{scope};
}

}  // namespace tenon
