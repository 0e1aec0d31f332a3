// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <cstddef>
#include <string_view>

namespace tenon {

/// Follows one JSON array or object byte by byte, as it streams in, and tells at once when it cannot be JSON
/// any more. It keeps no text. Nesting is limited as in parse_strict_json; UTF-8 and surrogates are not
/// looked at.
class json_scanner {
 public:
  static constexpr std::size_t max_depth = 64;

  /// What the next byte may be.
  enum class place {
    value,          // a value
    first_value,    // a value or the end of an empty array
    first_key,      // a key or the end of an empty object
    key,            // a key
    colon,          // the colon after a key
    after_value,    // a comma or the end of the array or object
    string,         // inside a string, keys included
    escape,         // behind a backslash
    hex,            // inside the digits of \uXXXX
    word,           // inside true, false or null
    minus,          // numbers, by what came last
    zero,           //
    digits,         //
    point,          //
    fraction,       //
    exponent,       //
    exponent_sign,  //
    exponent_digits,
    complete,   // nothing: the outermost array or object has ended
    malformed,  // nothing: this is no JSON
  };

  /// Takes the next byte; the new place.
  place push(char c) {
    if (where_ >= place::minus && where_ <= place::exponent_digits) {
      in_number(c);
    } else if (where_ >= place::string && where_ <= place::word) {
      in_token(c);
    } else {
      between_tokens(c);
    }
    return where_;
  }

  place where() const noexcept { return where_; }

  /// Open arrays and objects.
  std::size_t depth() const noexcept { return depth_; }

 private:
  static bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  static bool is_hex(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  }

  void between_tokens(char c) {
    if (where_ >= place::complete) {
      where_ = place::malformed;
    } else if (is_space(c)) {
      return;
    } else if (where_ == place::value || (where_ == place::first_value && c != ']')) {
      begin_value(c);
    } else if ((where_ == place::key || where_ == place::first_key) && c == '"') {
      in_key_ = true;
      where_ = place::string;
    } else if (where_ == place::colon && c == ':') {
      where_ = place::value;
    } else if (where_ == place::after_value && c == ',') {
      where_ = inside_object() ? place::key : place::value;
    } else {
      end_container(c);
    }
  }

  bool inside_object() const noexcept { return objects_[depth_ - 1]; }

  void end_container(char c) {
    bool const fits = where_ == place::after_value   ? c == (inside_object() ? '}' : ']')
                      : where_ == place::first_key   ? c == '}'
                      : where_ == place::first_value ? c == ']'
                                                     : false;
    if (!fits) {
      where_ = place::malformed;
      return;
    }
    where_ = --depth_ == 0 ? place::complete : place::after_value;
  }

  void begin_value(char c) {
    bool const container = c == '{' || c == '[';
    if (container ? depth_ == max_depth : depth_ == 0) {
      where_ = place::malformed;
    } else if (container) {
      objects_[depth_++] = c == '{';
      where_ = c == '{' ? place::first_key : place::first_value;
    } else if (c == '"') {
      in_key_ = false;
      where_ = place::string;
    } else if (c == 't' || c == 'f' || c == 'n') {
      word_ = c == 't' ? "rue" : c == 'f' ? "alse" : "ull";
      where_ = place::word;
    } else {
      where_ = c == '-'      ? place::minus
               : c == '0'    ? place::zero
               : is_digit(c) ? place::digits
                             : place::malformed;
    }
  }

  void in_token(char c) {
    if (where_ == place::word) {
      bool const fits = c == word_.front();
      word_.remove_prefix(1);
      where_ = !fits ? place::malformed : word_.empty() ? place::after_value : place::word;
    } else if (where_ == place::hex) {
      where_ = !is_hex(c) ? place::malformed : --hex_digits_ == 0 ? place::string : place::hex;
    } else if (where_ == place::escape) {
      hex_digits_ = 4;
      bool const simple = std::string_view{"\"\\/bfnrt"}.find(c) != std::string_view::npos;
      where_ = c == 'u' ? place::hex : simple ? place::string : place::malformed;
    } else if (c == '"') {
      where_ = in_key_ ? place::colon : place::after_value;
    } else if (c == '\\') {
      where_ = place::escape;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      where_ = place::malformed;
    }
  }

  /// A number ends with the first byte that does not belong to it, which is then looked at again.
  void in_number(char c) {
    auto const digit = is_digit(c);
    auto const integer = where_ == place::zero || where_ == place::digits;
    auto const may_end = integer || where_ == place::fraction || where_ == place::exponent_digits;
    if (digit && where_ != place::zero) {
      where_ = where_ == place::minus           ? (c == '0' ? place::zero : place::digits)
               : where_ == place::point         ? place::fraction
               : where_ == place::exponent      ? place::exponent_digits
               : where_ == place::exponent_sign ? place::exponent_digits
                                                : where_;
    } else if (c == '.' && integer) {
      where_ = place::point;
    } else if ((c == 'e' || c == 'E') && (integer || where_ == place::fraction)) {
      where_ = place::exponent;
    } else if ((c == '+' || c == '-') && where_ == place::exponent) {
      where_ = place::exponent_sign;
    } else if (may_end) {
      where_ = place::after_value;
      between_tokens(c);
    } else {
      where_ = place::malformed;
    }
  }

  place where_ = place::value;
  std::size_t depth_ = 0;
  std::bitset<max_depth> objects_;
  bool in_key_ = false;
  int hex_digits_ = 0;
  std::string_view word_;
};

}  // namespace tenon
