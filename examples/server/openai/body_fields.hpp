// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/core/error.hpp"

namespace server {

/// Both ends included.
struct integer_range {
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};
struct number_range {
  double least = -std::numeric_limits<double>::max();
  double most = std::numeric_limits<double>::max();
};

/// The object of a request's body. Throws tenon::request_error: "invalid_json", or "invalid_type" for JSON
/// that is no object.
boost::json::object parse_body(std::string_view body);

/// Throws tenon::request_error with the message "path: why".
[[noreturn]] void refuse(std::string const& path, std::string code, std::string const& why);
[[noreturn]] void refuse_type(std::string const& path, std::string_view wanted,
                              boost::json::value const& found);

void expect_at_most(std::string const& path, std::size_t found, std::int64_t most, std::string_view of_what);

/// One value of a known type. Throw tenon::request_error that says path, what was expected and what was
/// found.
std::int64_t to_integer(boost::json::value const& value, std::string const& path, integer_range range);
double to_number(boost::json::value const& value, std::string const& path, number_range range);
std::string to_string(boost::json::value const& value, std::string const& path);

/// Reads the fields of one JSON object by name and type, and remembers which were read. A field that is null
/// is absent. Errors are tenon::request_error whose parameter is the field's path.
class body_fields {
 public:
  /// path: where the object itself stands, "stream_options" say; empty for the body.
  explicit body_fields(boost::json::object const& object, std::string path = {})
      : object_{object}, path_{std::move(path)} {}

  std::optional<bool> boolean(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, integer_range range = {});
  std::optional<double> number(std::string_view name, number_range range = {});
  std::optional<std::string> string(std::string_view name);
  boost::json::array const* array(std::string_view name);
  boost::json::object const* object(std::string_view name);

  /// A field of any type; nothing if it is absent.
  boost::json::value const* value(std::string_view name);

  std::string path(std::string_view name) const;

  /// Names of the fields that are there and were not asked for, in their order.
  std::vector<std::string_view> unread() const;

  /// Adds the paths of those to `ignored`, for an object inside the body, all of whose known fields are read.
  void note_unread(std::vector<std::string>& ignored) const;

 private:
  boost::json::object const& object_;
  std::string path_;
  std::vector<std::string_view> read_;
};

}  // namespace server
