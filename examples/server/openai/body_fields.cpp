// SPDX-License-Identifier: Apache-2.0
#include "server/openai/body_fields.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tenon/text/python_json.hpp"
#include "tenon/text/strict_json.hpp"

namespace server {

namespace {

std::string kind_name(boost::json::value const& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return "a boolean";
    case boost::json::kind::string:
      return "a string";
    case boost::json::kind::array:
      return "an array";
    case boost::json::kind::object:
      return "an object";
    default:
      return "a number";
  }
}

/// A bound without a fraction that it does not have.
std::string shown(double value) {
  if (value == std::floor(value) && std::fabs(value) < 1e15)
    return std::to_string(static_cast<std::int64_t>(value));
  std::string text;
  tenon::append_python_float(text, value);
  return text;
}

template <class Range>
std::string describe(std::string_view kind, Range range, std::string least, std::string most) {
  bool const low = range.least == Range{}.least;
  bool const high = range.most == Range{}.most;
  std::string text{kind};
  if (!low && !high) return text + " from " + least + " to " + most;
  if (!low) return text + " of at least " + least;
  if (!high) return text + " of at most " + most;
  return text;
}

}  // namespace

boost::json::object parse_body(std::string_view body) {
  auto root = tenon::parse_strict_json(body);
  if (!root.is_object())
    throw tenon::request_error{"", "invalid_type",
                               "the body: expected a JSON object, found " + kind_name(root)};
  return std::move(root.get_object());
}

void refuse(std::string const& path, std::string code, std::string const& why) {
  throw tenon::request_error{path, std::move(code), path + ": " + why};
}

void refuse_type(std::string const& path, std::string_view wanted, boost::json::value const& found) {
  refuse(path, "invalid_type", "expected " + std::string{wanted} + ", found " + kind_name(found));
}

void expect_at_most(std::string const& path, std::size_t found, std::int64_t most, std::string_view of_what) {
  if (found <= static_cast<std::size_t>(most)) return;
  refuse(path, "invalid_value",
         "expected at most " + std::to_string(most) + ' ' + std::string{of_what} + ", found " +
             std::to_string(found));
}

std::int64_t to_integer(boost::json::value const& value, std::string const& path, integer_range range) {
  auto const wanted = describe("an integer", range, std::to_string(range.least), std::to_string(range.most));
  auto const outside = [&](std::string const& found) {
    refuse(path, "invalid_value", "expected " + wanted + ", found " + found);
  };
  std::int64_t number = 0;
  if (auto const* const small = value.if_int64()) {
    number = *small;
  } else if (value.is_uint64()) {
    outside(std::to_string(value.get_uint64()));
  } else if (auto const* const real =
                 value.if_double()) {  // 16.0, which some clients' languages cannot avoid
    if (*real != std::floor(*real) || std::fabs(*real) > 9007199254740992.0) outside(shown(*real));
    number = static_cast<std::int64_t>(*real);
  } else {
    refuse_type(path, "an integer", value);
  }
  if (number < range.least || number > range.most) outside(std::to_string(number));
  return number;
}

double to_number(boost::json::value const& value, std::string const& path, number_range range) {
  if (!value.is_number()) refuse_type(path, "a number", value);
  auto const number = value.to_number<double>();
  if (!(number >= range.least && number <= range.most)) {
    refuse(path, "invalid_value",
           "expected " + describe("a number", range, shown(range.least), shown(range.most)) + ", found " +
               shown(number));
  }
  return number;
}

std::string to_string(boost::json::value const& value, std::string const& path) {
  if (!value.is_string()) refuse_type(path, "a string", value);
  return std::string{std::string_view{value.get_string().subview()}};
}

boost::json::value const* body_fields::value(std::string_view name) {
  auto const found = object_.find(name);
  if (found == object_.end()) return nullptr;
  read_.push_back(found->key());
  return found->value().is_null() ? nullptr : &found->value();
}

std::optional<bool> body_fields::boolean(std::string_view name) {
  auto const* const found = value(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_bool()) refuse_type(path(name), "a boolean", *found);
  return found->get_bool();
}

std::optional<std::int64_t> body_fields::integer(std::string_view name, integer_range range) {
  auto const* const found = value(name);
  return found == nullptr ? std::nullopt : std::optional{to_integer(*found, path(name), range)};
}

std::optional<double> body_fields::number(std::string_view name, number_range range) {
  auto const* const found = value(name);
  return found == nullptr ? std::nullopt : std::optional{to_number(*found, path(name), range)};
}

std::optional<std::string> body_fields::string(std::string_view name) {
  auto const* const found = value(name);
  return found == nullptr ? std::nullopt : std::optional{to_string(*found, path(name))};
}

boost::json::array const* body_fields::array(std::string_view name) {
  auto const* const found = value(name);
  if (found == nullptr) return nullptr;
  if (!found->is_array()) refuse_type(path(name), "an array", *found);
  return &found->get_array();
}

boost::json::object const* body_fields::object(std::string_view name) {
  auto const* const found = value(name);
  if (found == nullptr) return nullptr;
  if (!found->is_object()) refuse_type(path(name), "an object", *found);
  return &found->get_object();
}

std::string body_fields::path(std::string_view name) const {
  return path_.empty() ? std::string{name} : path_ + '.' + std::string{name};
}

std::vector<std::string_view> body_fields::unread() const {
  std::vector<std::string_view> names;
  for (auto const& field : object_) {
    std::string_view const name = field.key();
    if (std::find(read_.begin(), read_.end(), name) == read_.end()) names.push_back(name);
  }
  return names;
}

void body_fields::note_unread(std::vector<std::string>& ignored) const {
  for (auto const name : unread())
    if (!object_.at(name).is_null()) ignored.push_back(path(name));
}

}  // namespace server
