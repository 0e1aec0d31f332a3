// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace tenon {

/// How many bytes at the end of `text` may be the beginning of `marker`: the longest proper prefix of it that
/// `text` ends with. A stream holds these back until more text decides.
constexpr std::size_t partial_marker(std::string_view text, std::string_view marker) noexcept {
  for (auto length = std::min(text.size(), marker.size() - 1); length > 0; --length) {
    if (text.ends_with(marker.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace tenon
