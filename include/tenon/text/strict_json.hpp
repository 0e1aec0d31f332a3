// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "tenon/checkpoint/parse_json.hpp"
#include "tenon/core/error.hpp"

namespace tenon {

/// A text that is not JSON as RFC 8259 means it, or that means different things to different readers.
/// `offset()` is the byte at which it went wrong; the message names it too.
class json_error : public request_error {
 public:
  json_error(std::size_t offset, std::string const& message)
      : request_error{"", "invalid_json", "invalid JSON at byte " + std::to_string(offset) + ": " + message},
        offset_{offset} {}

  std::size_t offset() const noexcept { return offset_; }

 private:
  std::size_t offset_;
};

/// Reads a text of a request by the rules for model files: no duplicate keys, no NaN and Infinity, no
/// integers outside [-2^63, 2^64), no numbers that overflow a double, no lone surrogates, no invalid UTF-8,
/// depth at most 64. Doubles are correctly rounded and those too small become zero. Key order is kept.
///
/// Throws json_error.
inline boost::json::value parse_strict_json(std::string_view text) {
  auto result = detail::read_json(text);
  if (auto const* fault = std::get_if<json_fault>(&result)) throw json_error{fault->offset, fault->message};
  return std::move(std::get<boost::json::value>(result));
}

}  // namespace tenon
