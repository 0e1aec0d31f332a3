// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace tenon {

/// Why a text is not the JSON that was asked for, and the byte at which that begins.
struct json_fault {
  std::size_t offset;
  std::string message;
};

namespace detail {

/// Where the strings and escapes are that begin in the first `at` bytes of a text.
struct json_strings {
  json_strings(std::string_view text, std::size_t at) {
    for (std::size_t i = 0; i < at; ++i) {
      if (!inside) {
        inside = text[i] == '"';
        if (inside) last = i;
      } else if (text[i] == '\\') {
        escape_before = escape;
        escape = i;
        i += text.substr(i, 2) == "\\u" ? 5 : 1;  // what follows may be a quote, but does not end the string
      } else {
        inside = text[i] != '"';
      }
    }
  }

  bool inside = false;                                 // `at` is in a string, or at its closing quote
  std::size_t last = std::string_view::npos;           // where the last string begins
  std::size_t escape = std::string_view::npos;         // where the last escape begins
  std::size_t escape_before = std::string_view::npos;  // and the one before it
};

/// Whether `\uXXXX` at `at` is a surrogate whose second digit is one of `digits`.
inline bool is_surrogate(std::string_view text, std::size_t at, std::string_view digits) noexcept {
  if (at >= text.size()) return false;
  auto const escape = text.substr(at, 4);
  return escape.size() == 4 && (escape.starts_with("\\ud") || escape.starts_with("\\uD")) &&
         digits.find(escape[3]) != std::string_view::npos;
}

/// Explains a fault of a string that the parser met at `at`; one inside an escape, or behind half of a
/// surrogate pair, begins with that escape.
inline json_fault string_fault(std::string_view text, std::size_t at, json_strings const& seen) {
  constexpr std::string_view high = "89abAB";
  constexpr std::string_view low = "cdefCDEF";
  if (seen.escape != std::string_view::npos && seen.escape > seen.last) {
    std::size_t const length = text.substr(seen.escape, 2) == "\\u" ? 6 : 2;
    bool const behind_high =
        seen.escape_before + 6 == seen.escape && is_surrogate(text, seen.escape_before, high);
    bool const half =
        is_surrogate(text, seen.escape, high) || (is_surrogate(text, seen.escape, low) && !behind_high);
    bool const broken = at < seen.escape + length;
    if (behind_high && broken) return {seen.escape_before, "lone surrogate in a string"};
    if (half && at == seen.escape + length) return {seen.escape, "lone surrogate in a string"};
    if (broken) {
      return {seen.escape,
              length == 6 ? "expected four hexadecimal digits after \\u" : "unknown escape in a string"};
    }
  }
  if (at == text.size()) return {at, "expected the closing quote of a string"};
  bool const control = static_cast<unsigned char>(text[at]) < 0x20;
  return {at, control ? "control character in a string" : "invalid UTF-8 in a string"};
}

/// Where the beginning of true, false or null stands that ends at `at`; `at` if none does.
inline std::size_t word_begin(std::string_view text, std::size_t at) noexcept {
  auto begin = at;
  while (begin > 0 && text[begin - 1] >= 'a' && text[begin - 1] <= 'z') --begin;
  auto const found = text.substr(begin, at - begin);
  constexpr std::array<std::string_view, 3> words{"true", "false", "null"};
  bool const fits = std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return word.starts_with(found) && found.size() < word.size();
  });
  return fits ? begin : at;
}

/// Explains a fault between or in the tokens that are no strings. `after_key`: the last token was a key.
inline json_fault token_fault(std::string_view text, std::size_t at, bool after_key) {
  auto const is_digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  if (auto const word = word_begin(text, at); word < at) return {word, "expected true, false or null"};
  if (at > 0 && text[at - 1] == '0' && is_digit(at)) {
    while (is_digit(at)) ++at;
    return {at, "a number begins with a superfluous zero"};
  }
  auto const head = text.substr(0, at);
  bool const exponent = at > 1 && (head.ends_with('e') || head.ends_with('E')) && is_digit(at - 2);
  if (exponent || head.ends_with('-') || head.ends_with('+') || head.ends_with('.')) {
    return {at, "expected a digit"};
  }
  auto const last = head.find_last_not_of(" \t\r\n");
  if (last == std::string_view::npos || head[last] == ':') return {at, "expected a value"};
  if (head[last] == '{') return {at, "expected a key in quotes or '}'"};
  if (head[last] == '[') return {at, "expected a value or ']'"};
  if (head[last] == ',') return {at, "expected another value, or a key in quotes"};
  if (after_key) return {at, "expected ':' after a key"};
  return {at, "expected ',' or the end of the array or object"};
}

}  // namespace detail

}  // namespace tenon
