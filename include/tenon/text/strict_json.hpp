// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "tenon/core/error.hpp"
#include "tenon/text/utf8.hpp"

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

/// Reads one JSON text and refuses what lenient readers let pass: duplicate keys, NaN and Infinity, integers
/// outside [-2^63, 2^64), numbers that overflow a double, lone surrogates, invalid UTF-8, arrays and objects
/// nested deeper than `max_depth`. Doubles are correctly rounded (Boost.JSON 1.81's own are not always) and
/// numbers too small for a double become zero, as in Python. Key order is kept.
class strict_json_reader {
 public:
  static constexpr std::size_t max_depth = 64;

  explicit strict_json_reader(std::string_view text) : text_{text} {}

  /// Throws json_error.
  boost::json::value read() {
    auto result = read_value(0);
    skip_space();
    if (at_ != text_.size()) fail("expected the end of the text");
    return result;
  }

 private:
  [[noreturn]] void fail(std::string const& message) const { throw json_error{at_, message}; }

  bool more() const noexcept { return at_ < text_.size(); }
  char peek() const noexcept { return more() ? text_[at_] : '\0'; }

  void skip_space() noexcept {
    while (more() && std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool take(char expected) noexcept {
    if (!more() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }

  boost::json::value read_value(std::size_t depth) {
    skip_space();
    if (!more()) fail("expected a value, found the end of the text");
    switch (text_[at_]) {
      case '{':
        return read_object(depth + 1);
      case '[':
        return read_array(depth + 1);
      case '"':
        return boost::json::value(read_string());
      case 't':
        return read_word("true", true);
      case 'f':
        return read_word("false", false);
      case 'n':
        return read_word("null", nullptr);
      default:
        return read_number();
    }
  }

  boost::json::value read_word(std::string_view word, boost::json::value value) {
    if (text_.substr(at_, word.size()) != word) fail("expected " + std::string{word});
    at_ += word.size();
    return value;
  }

  void check_depth(std::size_t depth) const {
    if (depth > max_depth) fail("nested deeper than " + std::to_string(max_depth));
  }

  boost::json::array read_array(std::size_t depth) {
    check_depth(depth);
    boost::json::array result;
    ++at_;
    skip_space();
    if (take(']')) return result;
    for (;;) {
      result.push_back(read_value(depth));
      skip_space();
      if (take(']')) return result;
      if (!take(',')) fail("expected ',' or ']' in an array");
    }
  }

  boost::json::object read_object(std::size_t depth) {
    check_depth(depth);
    boost::json::object result;
    ++at_;
    skip_space();
    if (take('}')) return result;
    for (;;) {
      skip_space();
      if (peek() != '"') fail("expected a key in quotes");
      auto const key_at = at_;
      auto const key = read_string();
      skip_space();
      if (!take(':')) fail("expected ':' after a key");
      bool const fresh = result.emplace(key, read_value(depth)).second;
      if (!fresh) throw json_error{key_at, "duplicate key '" + key + "'"};
      skip_space();
      if (take('}')) return result;
      if (!take(',')) fail("expected ',' or '}' in an object");
    }
  }

  std::string read_string() {
    std::string result;
    ++at_;
    while (more()) {
      auto const plain = at_;
      while (more() && is_plain(text_[at_])) ++at_;
      result.append(text_, plain, at_ - plain);
      if (!more()) break;
      auto const c = static_cast<unsigned char>(text_[at_]);
      if (take('"')) return result;
      if (c == '\\') {
        read_escape(result);
      } else if (c < 0x20) {
        fail("control character in a string");
      } else {
        auto const next = utf8::first_sequence(text_.substr(at_));
        if (next.state != utf8::sequence_state::whole) fail("invalid UTF-8 in a string");
        result.append(text_, at_, next.length);
        at_ += next.length;
      }
    }
    fail("expected the closing quote of a string");
  }

  static bool is_plain(char c) noexcept {
    auto const byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
  }

  void read_escape(std::string& out) {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    auto const letter = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (auto const which = letters.find(letter); which != std::string_view::npos) {
      out.push_back(meanings[which]);
      at_ += 2;
    } else if (letter == 'u') {
      read_code_point(out);
    } else {
      fail("unknown escape in a string");
    }
  }

  void read_code_point(std::string& out) {
    auto const unit = hex_unit(at_);
    if (unit >= 0xDC00 && unit < 0xE000) fail("lone low surrogate in a string");
    if (unit < 0xD800 || unit >= 0xE000) {
      utf8::append(out, unit);
      at_ += 6;
      return;
    }
    auto const paired = text_.substr(std::min(at_ + 6, text_.size()), 2) == "\\u";
    auto const low = paired ? hex_unit(at_ + 6) : 0;
    if (low < 0xDC00 || low >= 0xE000) fail("lone high surrogate in a string");
    utf8::append(out, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
    at_ += 12;
  }

  /// The four digits of the `\u` escape at `at`.
  std::uint32_t hex_unit(std::size_t at) const {
    auto const digits = text_.substr(std::min(at + 2, text_.size()), 4);
    std::uint32_t unit = 0;
    auto const read = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
    if (digits.size() != 4 || read.ptr != digits.data() + 4) {
      throw json_error{at, "expected four hexadecimal digits after \\u"};
    }
    return unit;
  }

  std::size_t skip_digits() noexcept {
    auto const begin = at_;
    while (more() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - begin;
  }

  boost::json::value read_number() {
    auto const begin = at_;
    take('-');
    auto const zero = peek() == '0';
    auto const digits = skip_digits();
    if (digits == 0) fail("expected a value");
    if (zero && digits > 1) fail("a number begins with a superfluous zero");
    bool integer = true;
    if (take('.')) {
      integer = false;
      if (skip_digits() == 0) fail("expected a digit after '.'");
    }
    if (take('e') || take('E')) {
      integer = false;
      if (!take('-')) take('+');
      if (skip_digits() == 0) fail("expected a digit in the exponent");
    }
    auto const text = text_.substr(begin, at_ - begin);
    return integer ? integer_value(text, begin) : double_value(text, begin);
  }

  static boost::json::value integer_value(std::string_view text, std::size_t begin) {
    auto const end = text.data() + text.size();
    std::int64_t number = 0;
    if (std::from_chars(text.data(), end, number).ec == std::errc{}) return number;
    std::uint64_t positive = 0;
    if (text.front() != '-' && std::from_chars(text.data(), end, positive).ec == std::errc{}) return positive;
    throw json_error{begin, "an integer outside [-2^63, 2^64)"};
  }

  static boost::json::value double_value(std::string_view text, std::size_t begin) {
    double number = 0;
    auto const status = std::from_chars(text.data(), text.data() + text.size(), number).ec;
    if (status == std::errc{} && std::isfinite(number)) return number;
    if (status != std::errc{} && is_tiny(text)) return text.front() == '-' ? -0.0 : 0.0;
    throw json_error{begin, "a number beyond the range of a double"};
  }

  /// Whether a number that no double can hold is too small rather than too large: its first digit that is not
  /// zero, moved by the exponent, stands behind the decimal point.
  static bool is_tiny(std::string_view text) noexcept {
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

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Reads `text` by the rules of strict_json_reader. Throws json_error.
inline boost::json::value parse_strict_json(std::string_view text) {
  return strict_json_reader{text}.read();
}

}  // namespace tenon
