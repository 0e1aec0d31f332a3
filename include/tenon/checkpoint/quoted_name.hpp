// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tenon {

/// A name from a file as an error may show it: in quotes, control characters as \xNN, cut after 200 bytes.
/// A hostile file can neither move a terminal's cursor nor fill a log.
inline std::string quoted_name(std::string_view name) {
  constexpr std::size_t longest = 200;
  constexpr char const* digits = "0123456789abcdef";
  std::string text = "'";
  for (char letter : name.substr(0, longest)) {
    auto const byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte != 0x7f) {
      text += letter;
    } else {
      text += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return text + (name.size() > longest ? "...'" : "'");
}

}  // namespace tenon
