// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/openai/body_fields.hpp"

namespace server {

/// What becomes of a field of a request's body.
enum class field_use {
  read,       ///< it decides about the answer
  no_effect,  ///< accepted: it asks for nothing that an answer shows
  refused     ///< known and not supported: a 400 that names it, unless its value asks for nothing
};

/// The routes that know a field, as bits.
using route_set = unsigned;
inline constexpr route_set chat_route = 1;
inline constexpr route_set completions_route = 2;
inline constexpr route_set tokenize_route = 4;
inline constexpr route_set detokenize_route = 8;

struct known_field {
  std::string_view name;
  route_set routes;
  field_use use;
  std::string_view harmless =
      "[]";  ///< refused: a JSON array of the values that ask for nothing. null always does
};

/// Every field of OpenAI's API and of the extensions that others serve: one row each, so that nothing is
/// dropped in silence.
std::span<known_field const> known_fields();

/// Goes over the fields that a route's reader did not read: refuses what is known and not supported, and
/// returns the paths of those that nobody knows, `nested` ones last, to be named in the answer. Throws
/// tenon::request_error.
/// strict: unknown fields are refused, too.
std::vector<std::string> check_unread(body_fields const& fields, boost::json::object const& body,
                                      route_set route, bool strict, std::vector<std::string> nested = {});

}  // namespace server
