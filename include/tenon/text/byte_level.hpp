// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tenon/text/utf8.hpp"

namespace tenon::byte_level {

namespace detail {

/// GPT-2's `bytes_to_unicode`: printable bytes stand for themselves, the others for U+0100, U+0101, … in
/// order.
inline constexpr std::array<char16_t, 256> make_letters() {
  std::array<char16_t, 256> letters{};
  char16_t next = 0x100;
  for (unsigned b = 0; b < 256; ++b) {
    bool const printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    letters[b] = printable ? static_cast<char16_t>(b) : next++;
  }
  return letters;
}

inline constexpr std::array<char16_t, 256> letters = make_letters();
inline constexpr std::size_t letter_count = 0x144;  // U+0143 is the last one used

inline constexpr std::array<std::int16_t, letter_count> make_bytes() {
  std::array<std::int16_t, letter_count> bytes{};
  for (auto& b : bytes) b = -1;
  for (std::size_t b = 0; b < 256; ++b) bytes[letters[b]] = static_cast<std::int16_t>(b);
  return bytes;
}

inline constexpr std::array<std::int16_t, letter_count> bytes = make_bytes();

}  // namespace detail

/// The letter that stands for a byte in vocabularies.
inline constexpr char32_t letter(unsigned char byte) noexcept {
  return detail::letters[byte];
}

/// Appends the bytes that a token's letters stand for; `token` is well-formed UTF-8. False, and `out` as it
/// was, if some letter stands for no byte.
inline bool append_bytes(std::string_view token, std::string& out) {
  std::size_t const before = out.size();
  for (std::size_t i = 0; i < token.size();) {
    utf8::character const c = utf8::decode(token, i);
    if (c.code_point >= detail::letter_count || detail::bytes[c.code_point] < 0) {
      out.resize(before);
      return false;
    }
    out += static_cast<char>(detail::bytes[c.code_point]);
    i += c.length;
  }
  return true;
}

}  // namespace tenon::byte_level
