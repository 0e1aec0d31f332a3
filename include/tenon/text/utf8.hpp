// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tenon::utf8 {

/// What stands at the start of some bytes.
enum class sequence_state : std::uint8_t {
  whole,    // one well-formed code point
  broken,   // bytes that no continuation can repair: one U+FFFD stands for them
  partial,  // the end came inside a code point that is well formed so far
};

struct sequence {
  sequence_state state;
  std::size_t length;  // bytes; for a broken one its maximal well-formed beginning, at least 1
};

inline constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// The sequence at the start of `bytes`, which must not be empty. Well-formedness is table 3-7 of the Unicode
/// Standard; broken sequences are cut into "maximal subparts" (section 3.9), as Python's
/// `bytes.decode("utf-8", errors="replace")` and WHATWG decoders do.
inline sequence first_sequence(std::string_view bytes) noexcept {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  unsigned const lead = byte(0);
  if (lead < 0x80) return {sequence_state::whole, 1};
  if (lead < 0xC2 || lead > 0xF4) return {sequence_state::broken, 1};
  std::size_t const length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == bytes.size()) return {sequence_state::partial, i};
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (i == 1) {
      if (lead == 0xE0) low = 0xA0;  // no overlong forms
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xED) high = 0x9F;  // no surrogates
      if (lead == 0xF4) high = 0x8F;  // nothing above U+10FFFF
    }
    if (byte(i) < low || byte(i) > high) return {sequence_state::broken, i};
  }
  return {sequence_state::whole, length};
}

/// Index of the first byte at or after `from` that is not ASCII, or the size of the text.
inline std::size_t skip_ascii(std::string_view text, std::size_t from) noexcept {
  while (from < text.size() && static_cast<unsigned char>(text[from]) < 0x80) ++from;
  return from;
}

/// Offset of the first byte that is not well-formed UTF-8, or `npos`.
inline std::size_t find_invalid(std::string_view text) noexcept {
  for (std::size_t i = skip_ascii(text, 0); i < text.size(); i = skip_ascii(text, i)) {
    sequence const next = first_sequence(text.substr(i));
    if (next.state != sequence_state::whole) return i;
    i += next.length;
  }
  return std::string_view::npos;
}

struct character {
  char32_t code_point;
  std::size_t length;  // bytes
};

/// The code point at byte `i` of well-formed UTF-8; `i` must be the start of one.
inline character decode(std::string_view text, std::size_t i) noexcept {
  auto const byte = [&](std::size_t k) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i + k]));
  };
  char32_t const lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

/// Appends a scalar value.
inline void append(std::string& out, char32_t c) {
  auto const tail = [](char32_t bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += {static_cast<char>(0xC0 | c >> 6), tail(c)};
  } else if (c < 0x10000) {
    out += {static_cast<char>(0xE0 | c >> 12), tail(c >> 6), tail(c)};
  } else {
    out += {static_cast<char>(0xF0 | c >> 18), tail(c >> 12), tail(c >> 6), tail(c)};
  }
}

/// Appends the whole code points of `bytes`, U+FFFD for each broken sequence, and returns the length of the
/// partial sequence at the end (0 to 3 bytes, not appended).
inline std::size_t append_repaired(std::string& out, std::string_view bytes) {
  std::size_t done = 0;  // everything before is in `out`
  for (std::size_t i = skip_ascii(bytes, 0); i < bytes.size(); i = skip_ascii(bytes, i)) {
    sequence const next = first_sequence(bytes.substr(i));
    if (next.state == sequence_state::partial) {
      out.append(bytes, done, i - done);
      return next.length;
    }
    if (next.state == sequence_state::broken) {
      out.append(bytes, done, i - done).append(replacement);
      done = i + next.length;
    }
    i += next.length;
  }
  out.append(bytes, done);
  return 0;
}

}  // namespace tenon::utf8
