// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tenon/text/python_json.hpp"
#include "tenon/text/rendered_chat.hpp"

namespace tenon {

/// How an answer begins that must call a function: the one called `name`, up to where its arguments begin, or
/// without a name one that the model chooses. The space before a value belongs to the value's own token, so
/// it is left to the model.
inline rendered_chat forced_tool_call(std::optional<std::string_view> name) {
  rendered_chat out;
  out.append_template("<tool_call>\n{\"name\": ");
  if (!name) {
    out.append_template("\"");
    return out;
  }
  std::string quoted;
  append_python_string(quoted, *name);
  out.append_content(quoted);
  out.append_template(", \"arguments\":");
  return out;
}

/// What ends the thinking of an answer for it.
inline constexpr std::string_view end_of_thinking = "\n</think>\n\n";

}  // namespace tenon
