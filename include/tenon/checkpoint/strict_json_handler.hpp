// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/json/error.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tenon/checkpoint/json_events.hpp"
#include "tenon/checkpoint/quoted_name.hpp"

namespace tenon::detail {

/// Whether a number that no double can hold is too small rather than too large: its first digit that is not
/// zero, moved by the exponent, stands behind the decimal point.
inline bool is_tiny_number(std::string_view text) noexcept {
  auto const mark = std::min(text.find_first_of("eE"), text.size());
  auto const point = std::min(text.find('.'), mark);
  auto const first = text.find_first_of("123456789");
  if (first >= mark) return true;
  auto const exponent = text.substr(std::min(mark + 1, text.size()));
  auto const digits = exponent.substr(std::min(exponent.find_first_not_of("+-0"), exponent.size()));
  std::int64_t power = 0;
  auto const read = std::from_chars(digits.data(), digits.data() + digits.size(), power).ec;
  bool const negative = exponent.starts_with('-');
  if (read == std::errc::result_out_of_range) return negative;
  auto const place = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  return place + (negative ? -power : power) <= 0;
}

/// The double nearest to a number in JSON's form; nothing if it is too large for one. Too small becomes zero.
inline std::optional<double> nearest_double(std::string_view text) noexcept {
  double number = 0;
  auto const status = std::from_chars(text.data(), text.data() + text.size(), number).ec;
  if (status == std::errc{}) return std::isfinite(number) ? std::optional{number} : std::nullopt;
  if (is_tiny_number(text)) return text.front() == '-' ? -0.0 : 0.0;
  return std::nullopt;
}

/// Builds a value and refuses what Boost.JSON lets pass, which is duplicate keys, integers beyond 64 bits and
/// numbers beyond a double. It rounds doubles itself, since Boost.JSON 1.81 does not always give the nearest
/// one.
class strict_json_handler final : public json_events {
 public:
  strict_json_handler() { values_.reset(); }

  /// Why the handler itself stopped; empty for a fault that the parser found.
  std::string const& reason() const noexcept { return reason_; }
  /// The bytes of the number at which the handler stopped; zero if it was a key.
  std::size_t number_size() const noexcept { return number_.size(); }
  /// Whether the last token was a key.
  bool after_key() const noexcept { return after_key_; }
  boost::json::value release() { return values_.release(); }

  bool on_object_begin(error_code&) override {
    keys_.emplace_back();
    return note_value();
  }
  bool on_object_end(std::size_t count, error_code&) override {
    keys_.pop_back();
    values_.push_object(count);
    return note_value();
  }
  bool on_array_begin(error_code&) override { return note_value(); }
  bool on_array_end(std::size_t count, error_code&) override {
    values_.push_array(count);
    return note_value();
  }

  bool on_key_part(text part, error_code&) override {
    key_.append(part.data(), part.size());
    values_.push_chars(part);
    return true;
  }
  bool on_key(text part, error_code& failure) override {
    key_.append(part.data(), part.size());
    values_.push_key(part);
    if (!keys_.back().insert(key_).second) return refuse("duplicate key " + quoted_name(key_), failure);
    key_.clear();
    after_key_ = true;
    return true;
  }

  bool on_string_part(text part, error_code&) override {
    values_.push_chars(part);
    return true;
  }
  bool on_string(text part, error_code&) override {
    values_.push_string(part);
    return note_value();
  }

  bool on_number_part(text part, error_code&) override {
    number_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t value, text, error_code&) override {
    number_.clear();
    values_.push_int64(value);
    return note_value();
  }
  bool on_uint64(std::uint64_t value, text, error_code&) override {
    number_.clear();
    values_.push_uint64(value);
    return note_value();
  }
  /// Boost.JSON sends integers beyond 64 bits here, too.
  bool on_double(double, text part, error_code& failure) override {
    number_.append(part.data(), part.size());
    if (number_.find_first_of(".eE") == std::string::npos) {
      return refuse("an integer outside [-2^63, 2^64) does not fit 64 bits", failure);
    }
    auto const value = nearest_double(number_);
    if (!value) return refuse("a number is too large for a double", failure);
    number_.clear();
    values_.push_double(*value);
    return note_value();
  }

  bool on_bool(bool value, error_code&) override {
    values_.push_bool(value);
    return note_value();
  }
  bool on_null(error_code&) override {
    values_.push_null();
    return note_value();
  }

 private:
  bool note_value() noexcept {
    after_key_ = false;
    return true;
  }

  bool refuse(std::string reason, error_code& failure) {
    reason_ = std::move(reason);
    failure = boost::json::error::syntax;
    return false;
  }

  boost::json::value_stack values_;
  std::vector<std::unordered_set<std::string>> keys_;  // of the objects that are open, outermost first
  std::string key_;
  std::string number_;  // the text of the number being read
  std::string reason_;
  bool after_key_ = false;
};

}  // namespace tenon::detail
