// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

namespace tenon {

/// Appends `value` as Python's repr(float) writes it: the shortest digits that read back the same, fixed
/// notation for 1e-4 <= |value| < 1e16, else an exponent of at least two digits. Not-finite values are
/// spelled as json.dumps does (NaN, Infinity), though no strictly parsed text holds them.
inline void append_python_float(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  char buffer[32];
  auto const end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string_view text{buffer, static_cast<std::size_t>(end - buffer)};
  if (text.front() == '-') {
    out += '-';
    text.remove_prefix(1);
  }
  auto const mark = text.find('e');
  auto const exponent_text = text.substr(mark + (text[mark + 1] == '+' ? 2 : 1));
  int exponent = 0;
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  if (exponent < -4 || exponent >= 16) {
    out += text;  // to_chars writes the mantissa without ".0" and two exponent digits, as Python does
    return;
  }
  std::string digits{text.front()};
  if (mark > 2) digits += text.substr(2, mark - 2);
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
    return;
  }
  auto const whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) {
    digits.append(whole - digits.size(), '0');
    out += digits;
    out += ".0";
  } else {
    out.append(digits, 0, whole);
    out += '.';
    out.append(digits, whole);
  }
}

/// Appends `text` quoted as json.dumps(ensure_ascii=False) does: only the quote, the backslash and U+0000 to
/// U+001F are escaped.
inline void append_python_string(std::string& out, std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (char const c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += hex[static_cast<unsigned char>(c) >> 4];
          out += hex[static_cast<unsigned char>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

/// Appends `value` as Python's json.dumps(value, ensure_ascii=False) writes it, which is what `tojson` means
/// in transformers' chat templates: separators ", " and ": ", keys in their order.
inline void append_python_json(std::string& out, boost::json::value const& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      out += "null";
      break;
    case boost::json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case boost::json::kind::int64:
      out += std::to_string(value.get_int64());
      break;
    case boost::json::kind::uint64:
      out += std::to_string(value.get_uint64());
      break;
    case boost::json::kind::double_:
      append_python_float(out, value.get_double());
      break;
    case boost::json::kind::string:
      append_python_string(out, value.get_string().subview());
      break;
    case boost::json::kind::array: {
      std::string_view separator = "[";
      for (auto const& element : value.get_array()) {
        out += separator;
        append_python_json(out, element);
        separator = ", ";
      }
      out += value.get_array().empty() ? "[]" : "]";
      break;
    }
    case boost::json::kind::object: {
      std::string_view separator = "{";
      for (auto const& member : value.get_object()) {
        out += separator;
        append_python_string(out, member.key());
        out += ": ";
        append_python_json(out, member.value());
        separator = ", ";
      }
      out += value.get_object().empty() ? "{}" : "}";
      break;
    }
  }
}

/// `append_python_json` into a string of its own.
inline std::string python_json(boost::json::value const& value) {
  std::string out;
  append_python_json(out, value);
  return out;
}

}  // namespace tenon
