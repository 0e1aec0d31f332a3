// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "tenon/checkpoint/json_fault.hpp"
#include "tenon/checkpoint/strict_json_handler.hpp"
#include "tenon/core/error.hpp"

namespace tenon {

namespace detail {

/// Arrays and objects inside each other.
inline constexpr std::size_t max_json_depth = 64;

/// `text`, which begins with valid JSON, with 999999999 or less in every exponent. Boost.JSON refuses
/// exponents beyond 32 bits, even of numbers that are merely zero. Keeps every byte at its place.
inline std::string with_short_exponents(std::string_view text) {
  constexpr std::size_t longest = 9;
  std::string result{text};
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') inside = !inside;
    if (inside && text[i] == '\\') ++i;
    if (inside || (text[i] != 'e' && text[i] != 'E')) continue;
    auto const begin = std::min(text.find_first_not_of("+-", i + 1), text.size());
    auto const end = std::min(text.find_first_not_of("0123456789", begin), text.size());
    auto const first = text.find_first_not_of('0', begin);
    if (first < end && end - first > longest) {
      auto const tail = end - longest;
      std::fill_n(result.begin() + static_cast<std::ptrdiff_t>(begin), tail - begin, '0');
      std::fill_n(result.begin() + static_cast<std::ptrdiff_t>(tail), longest, '9');
    }
  }
  return result;
}

/// Explains why `parser` stopped at byte `at` of `text`.
inline json_fault explain(std::string_view text, std::size_t at, boost::json::error_code failure,
                          strict_json_handler const& handler) {
  if (handler.number_size() > 0 && !handler.reason().empty()) {
    return {at - handler.number_size(), handler.reason()};
  }
  json_strings const seen{text, at};
  if (!handler.reason().empty()) return {seen.last, handler.reason()};
  if (seen.inside) return string_fault(text, at, seen);
  if (failure == boost::json::error::too_deep) {
    return {at, "nested deeper than " + std::to_string(max_json_depth)};
  }
  auto fault = token_fault(text, at, handler.after_key());
  if (failure == boost::json::error::extra_data && fault.offset == at) {
    fault.message = "expected the end of the text";
  }
  return fault;
}

/// Reads `text` as RFC 8259 without extensions. Refuses what lenient readers let pass: duplicate keys,
/// integers outside [-2^63, 2^64), numbers that overflow a double, lone surrogates, invalid UTF-8, depth
/// beyond `max_json_depth`. Doubles are correctly rounded and those too small become zero, as in Python. Key
/// order is kept.
inline std::variant<boost::json::value, json_fault> read_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = max_json_depth;
  strict_json_handler handler;
  boost::json::error_code failure;
  auto const used = read_json_events(text, options, handler, failure);
  if (!failure && used == text.size()) return handler.release();
  if (!failure) failure = boost::json::error::extra_data;
  if (failure == boost::json::error::exponent_overflow) {
    auto const shortened = with_short_exponents(text);
    if (shortened != text) return read_json(shortened);
  }
  return explain(text, used, failure, handler);
}

}  // namespace detail

/// Parses the JSON of a model file strictly, by the rules of detail::read_json.
///
/// Throws load_error with the byte offset; `where` names the file.
inline boost::json::value parse_json(std::string_view text, std::string const& where) {
  auto result = detail::read_json(text);
  if (auto const* fault = std::get_if<json_fault>(&result)) {
    throw load_error{where, "expected strict JSON, found at byte " + std::to_string(fault->offset) + ": " +
                                fault->message};
  }
  return std::move(std::get<boost::json::value>(result));
}

}  // namespace tenon
