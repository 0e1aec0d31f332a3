// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tenon/text/json_scanner.hpp"
#include "tenon/text/strict_json.hpp"

namespace tenon {

/// Reads one tool call, `{"name": …, "arguments": {…}}`, byte by byte.
///
/// The name is a string that is not empty, the arguments are an object; each stands there once, in either
/// order. Other members are passed over.
class tool_call_reader {
 public:
  /// Takes the next byte of an object, its opening brace first. False if this is no tool call any more, of
  /// which the byte is then no part.
  bool push(char c) {
    using json = json_scanner::place;
    auto const before = scanner_.where();
    auto const depth = scanner_.depth();
    auto const after = scanner_.push(c);
    if (after == json::malformed || (depth == 0 && c != '{')) return false;
    if (depth == 1 && (before == json::key || before == json::first_key) && after == json::string) {
      token_.clear();
    } else if (depth == 1 && before == json::value && after != json::value) {
      if (!begin_value(c)) return false;
    }
    if (reading_arguments_) {
      *arguments_ += c;
    } else {
      token_ += c;
    }
    if (depth == 1 && before == json::string && after == json::colon) return end_key();
    bool const ended = depth == 2 || before != json::after_value;
    if (after == json::after_value && scanner_.depth() == 1 && ended && !end_value()) return false;
    return after != json::complete || begun();
  }

  /// Whether the name and the beginning of the arguments have been read.
  bool begun() const noexcept { return !name_.empty() && arguments_.has_value(); }

  /// Whether the object has ended.
  bool complete() const noexcept { return scanner_.where() == json_scanner::place::complete; }

  /// The name without quotes and escapes; empty until it has been read.
  std::string const& name() const noexcept { return name_; }

  /// The arguments' text as far as it was read and not taken before.
  std::string take_arguments() { return arguments_ ? std::exchange(*arguments_, {}) : std::string{}; }

 private:
  bool begin_value(char c) {
    token_.clear();
    if (key_ == "name") return c == '"' && name_.empty();
    if (key_ != "arguments") return true;
    if (c != '{' || arguments_) return false;
    arguments_.emplace();
    reading_arguments_ = true;
    return true;
  }

  bool end_key() { return decode(key_); }

  bool end_value() {
    reading_arguments_ = false;
    return key_ != "name" || (decode(name_) && !name_.empty());
  }

  /// Reads the string in `token_`; false if it is none (a lone surrogate).
  bool decode(std::string& out) const {
    try {
      auto const value = parse_strict_json(token_);
      out = std::string_view{value.as_string().subview()};
      return true;
    } catch (json_error const&) {
      return false;
    }
  }

  json_scanner scanner_;
  std::string token_;  // the key or value of the outer object that is being read, quotes included
  std::string key_;
  std::string name_;
  std::optional<std::string> arguments_;
  bool reading_arguments_ = false;
};

}  // namespace tenon
