// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/checkpoint/quoted_name.hpp"
#include "tenon/core/error.hpp"

namespace tenon {

/// Bounds that a number of a model file must keep; both ends belong to it.
template <class T> struct value_range {
  T least = std::numeric_limits<T>::lowest();
  T most = std::numeric_limits<T>::max();
};

/// Reads one JSON object of a model file, key by key, and says file, key, expected and found when a value
/// will not do. A key that is null counts as absent. Views the object, which must outlive it.
class json_fields {
 public:
  /// where: the file. prefix: the path to this object, ending in "." unless empty, such as "rope_scaling.".
  /// about: what errors speak of before the key, such as "tensor 'x': ".
  json_fields(boost::json::object const& object, std::string where, std::string prefix = {},
              std::string about = {})
      : object_{&object}, where_{std::move(where)}, prefix_{std::move(prefix)}, about_{std::move(about)} {}

  std::string const& where() const noexcept { return where_; }

  /// The value, or null if the key is absent or holds null.
  boost::json::value const* find(std::string_view key) const {
    auto const* value = object_->if_contains(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  std::optional<std::int64_t> integer(std::string_view key, value_range<std::int64_t> range = {}) const {
    auto const* value = find(key);
    if (value == nullptr) return std::nullopt;
    return integer_of(*value, key, range);
  }

  std::optional<double> number(std::string_view key, value_range<double> range = {}) const {
    auto const* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) wrong(key, "a number", *value);
    auto const found = value->to_number<double>();
    if (found < range.least || found > range.most) wrong(key, "a number " + spelled(range), *value);
    return found;
  }

  std::optional<bool> boolean(std::string_view key) const {
    auto const* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_bool()) wrong(key, "true or false", *value);
    return value->get_bool();
  }

  std::optional<std::string> string(std::string_view key) const {
    auto const* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) wrong(key, "a string", *value);
    return std::string{value->get_string()};
  }

  std::optional<json_fields> object(std::string_view key) const {
    auto const* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) wrong(key, "an object", *value);
    return json_fields{value->get_object(), where_, prefix_ + std::string{key} + ".", about_};
  }

  /// One integer or an array of them, as eos_token_id comes; empty if absent.
  std::vector<std::int64_t> integers(std::string_view key, value_range<std::int64_t> range) const {
    auto const* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_array()) return {integer_of(*value, key, range)};
    std::vector<std::int64_t> all;
    for (auto const& entry : value->get_array()) all.push_back(integer_of(entry, key, range));
    return all;
  }

  /// Unwraps what must be there.
  template <class T> T required(std::string_view key, std::optional<T> found) const {
    if (!found) missing(key);
    return *std::move(found);
  }

  [[noreturn]] void missing(std::string_view key) const {
    throw load_error{where_, about_ + "key " + quoted_name(path(key)) + " is missing"};
  }

  /// Throws: "key 'k': expected e, found <the value as JSON>".
  [[noreturn]] void wrong(std::string_view key, std::string_view expected,
                          boost::json::value const& found) const {
    std::string text = boost::json::serialize(found);
    if (text.size() > 80) text = text.substr(0, 77) + "...";
    throw load_error{where_, about_ + "key " + quoted_name(path(key)) + ": expected " +
                                 std::string{expected} + ", found " + text};
  }

 private:
  std::string path(std::string_view key) const { return prefix_ + std::string{key}; }

  std::int64_t integer_of(boost::json::value const& value, std::string_view key,
                          value_range<std::int64_t> range) const {
    // Python tools write 1000000 and 1000000.0 alike, but a count with a fraction is a mistake.
    boost::json::error_code inexact;
    auto const found = value.to_number<std::int64_t>(inexact);
    if (inexact || value.is_double()) wrong(key, "an integer", value);
    if (found < range.least || found > range.most) wrong(key, "an integer " + spelled(range), value);
    return found;
  }

  template <class T> static std::string spelled(value_range<T> range) {
    std::ostringstream text;
    if (range.most == std::numeric_limits<T>::max()) {
      text << "of at least " << range.least;
    } else {
      text << "from " << range.least << " to " << range.most;
    }
    return text.str();
  }

  boost::json::object const* object_;
  std::string where_;
  std::string prefix_;
  std::string about_;
};

}  // namespace tenon
