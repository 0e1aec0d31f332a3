// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tenon/checkpoint/quoted_name.hpp"
#include "tenon/core/error.hpp"

namespace tenon {

namespace detail {

/// Builds a value and refuses what Boost.JSON lets pass: duplicate keys, numbers that overflow.
class strict_json_handler {
 public:
  static constexpr std::size_t max_object_size = 1u << 24;
  static constexpr std::size_t max_array_size = 1u << 20;
  static constexpr std::size_t max_key_size = 1u << 16;
  static constexpr std::size_t max_string_size = 1u << 24;

  using error_code = boost::json::error_code;
  using text = boost::json::string_view;

  /// Why the handler itself stopped; empty for a syntax error.
  std::string const& reason() const noexcept { return reason_; }
  boost::json::value release() { return values_.release(); }

  bool on_document_begin(error_code&) {
    values_.reset();
    return true;
  }
  bool on_document_end(error_code&) { return true; }

  bool on_object_begin(error_code&) {
    keys_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t count, error_code&) {
    keys_.pop_back();
    values_.push_object(count);
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t count, error_code&) {
    values_.push_array(count);
    return true;
  }

  bool on_key_part(text part, std::size_t, error_code&) {
    key_.append(part.data(), part.size());
    values_.push_chars(part);
    return true;
  }
  bool on_key(text part, std::size_t, error_code& failure) {
    key_.append(part.data(), part.size());
    values_.push_key(part);
    if (!keys_.back().insert(key_).second) return refuse("duplicate key " + quoted_name(key_), failure);
    key_.clear();
    return true;
  }

  bool on_string_part(text part, std::size_t, error_code&) {
    values_.push_chars(part);
    return true;
  }
  bool on_string(text part, std::size_t, error_code&) {
    values_.push_string(part);
    return true;
  }

  bool on_number_part(text part, error_code&) {
    note_number(part);
    return true;
  }
  bool on_int64(std::int64_t value, text, error_code&) {
    fraction_ = false;
    values_.push_int64(value);
    return true;
  }
  bool on_uint64(std::uint64_t value, text, error_code&) {
    fraction_ = false;
    values_.push_uint64(value);
    return true;
  }
  bool on_double(double value, text part, error_code& failure) {
    note_number(part);
    if (!std::exchange(fraction_, false)) return refuse("an integer does not fit 64 bits", failure);
    if (!std::isfinite(value)) return refuse("a number is too large for a double", failure);
    values_.push_double(value);
    return true;
  }

  bool on_bool(bool value, error_code&) {
    values_.push_bool(value);
    return true;
  }
  bool on_null(error_code&) {
    values_.push_null();
    return true;
  }
  bool on_comment_part(text, error_code&) { return true; }
  bool on_comment(text, error_code&) { return true; }

 private:
  void note_number(text part) noexcept { fraction_ = fraction_ || part.find_first_of(".eE") != text::npos; }

  bool refuse(std::string reason, error_code& failure) {
    reason_ = std::move(reason);
    failure = boost::json::error::syntax;
    return false;
  }

  boost::json::value_stack values_;
  std::vector<std::unordered_set<std::string>> keys_;  // of the objects that are open, outermost first
  std::string key_;
  std::string reason_;
  bool fraction_ = false;  // the number being read has a fraction or an exponent
};

}  // namespace detail

/// Parses the JSON of a model file: RFC 8259 without extensions, depth at most 64; duplicate keys, integers
/// beyond 64 bits, numbers beyond double, invalid UTF-8 and lone surrogates are errors.
///
/// Throws load_error with the byte offset; `where` names the file.
inline boost::json::value parse_json(std::string_view text, std::string const& where) {
  boost::json::parse_options options;
  options.max_depth = 64;
  boost::json::basic_parser<detail::strict_json_handler> parser{options};
  boost::json::error_code failure;
  std::size_t const used = parser.write_some(false, text.data(), text.size(), failure);
  if (!failure && used < text.size()) failure = boost::json::error::extra_data;
  if (failure) {
    std::string const& own = parser.handler().reason();
    throw load_error{where, "expected strict JSON, found at byte " + std::to_string(used) + ": " +
                                (own.empty() ? failure.message() : own)};
  }
  return parser.handler().release();
}

}  // namespace tenon
