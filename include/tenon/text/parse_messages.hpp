// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/core/error.hpp"
#include "tenon/text/chat_message.hpp"
#include "tenon/text/strict_json.hpp"

namespace tenon {

/// Reads OpenAI's `messages` and `tools` into chat_message and chat_options::tools.
///
/// Every wrong shape is a request_error whose parameter() is the path of the offending value, such as
/// "messages[2].content[0].type". Fields that mean nothing to a chat are noted in ignored(), by path, for the
/// server to name; those that ask for something that is not there (images, audio, the old function_call) are
/// errors, for an answer that silently lacks them would mislead.
class message_reader {
 public:
  /// `value` is the array under "messages". Throws request_error.
  std::vector<chat_message> read_messages(boost::json::value const& value) {
    std::vector<chat_message> result;
    auto const& elements = array(value, "messages");
    if (elements.empty()) refuse("messages", "empty_array", "expected at least one message");
    result.reserve(elements.size());
    for (auto const& element : elements) {
      result.push_back(read_message(element, indexed("messages", result.size())));
    }
    return result;
  }

  /// `value` is the array under "tools", or null. The objects are kept whole, for templates show them whole;
  /// but a true `strict` is noted: nothing holds the arguments of a call to their schema.
  std::vector<boost::json::value> read_tools(boost::json::value const& value) {
    std::vector<boost::json::value> result;
    if (value.is_null()) return result;
    for (auto const& element : array(value, "tools")) {
      auto const path = indexed("tools", result.size());
      auto const& tool = object(element, path);
      check_function_type(tool, path);
      auto const& function = object(member(tool, "function", path), path + ".function");
      function_name(function, path + ".function");
      auto const* strict = function.if_contains("strict");
      if (strict != nullptr && *strict == true) ignored_.push_back(path + ".function.strict");
      result.push_back(element);
    }
    return result;
  }

  /// Paths of the fields seen so far that have no meaning here.
  std::vector<std::string> const& ignored() const noexcept { return ignored_; }

 private:
  using json_value = boost::json::value;

  [[noreturn]] static void refuse(std::string const& path, std::string code, std::string const& message) {
    throw request_error{path, std::move(code), path + ": " + message};
  }

  [[noreturn]] static void refuse_type(std::string const& path, std::string_view wanted,
                                       json_value const& found) {
    refuse(path, "invalid_type", "expected " + std::string{wanted} + ", found " + kind_name(found));
  }

  static std::string kind_name(json_value const& value) {
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

  static std::string indexed(std::string const& path, std::size_t index) {
    return path + '[' + std::to_string(index) + ']';
  }

  static boost::json::array const& array(json_value const& value, std::string const& path) {
    if (!value.is_array()) refuse_type(path, "an array", value);
    return value.get_array();
  }

  static boost::json::object const& object(json_value const& value, std::string const& path) {
    if (!value.is_object()) refuse_type(path, "an object", value);
    return value.get_object();
  }

  static std::string string(json_value const& value, std::string const& path) {
    if (!value.is_string()) refuse_type(path, "a string", value);
    return std::string{std::string_view{value.get_string().subview()}};
  }

  static json_value const& member(boost::json::object const& parent, std::string_view key,
                                  std::string const& path) {
    auto const* value = parent.if_contains(key);
    if (value == nullptr) refuse(path + '.' + std::string{key}, "missing_required_parameter", "is missing");
    return *value;
  }

  /// A string that may be absent or null.
  static std::optional<std::string> optional_string(boost::json::object const& parent, std::string_view key,
                                                    std::string const& path) {
    auto const* value = parent.if_contains(key);
    if (value == nullptr || value->is_null()) return std::nullopt;
    return string(*value, path + '.' + std::string{key});
  }

  void note_ignored(boost::json::object const& parent, std::string const& path,
                    std::initializer_list<std::string_view> known) {
    for (auto const& each : parent) {
      std::string_view const key = each.key();
      bool const meaningless = std::find(known.begin(), known.end(), key) == known.end();
      if (meaningless && !each.value().is_null()) ignored_.push_back(path + '.' + std::string{key});
    }
  }

  static chat_role read_role(boost::json::object const& message, std::string const& path) {
    auto const name = string(member(message, "role", path), path + ".role");
    if (name == "developer") return chat_role::system;
    for (auto const role : {chat_role::system, chat_role::user, chat_role::assistant, chat_role::tool}) {
      if (name == to_string(role)) return role;
    }
    refuse(path + ".role", "invalid_value",
           "expected developer, system, user, assistant or tool, found '" + name + "'");
  }

  chat_message read_message(json_value const& value, std::string const& path) {
    auto const& fields = object(value, path);
    chat_message result;
    result.role = read_role(fields, path);
    refuse_unsupported(fields, path);
    bool const assistant = result.role == chat_role::assistant;
    if (auto const* content = fields.if_contains("content")) {
      result.content = read_content(*content, path + ".content");
    } else if (!assistant) {
      refuse(path + ".content", "missing_required_parameter", "is missing");
    }
    result.name = optional_string(fields, "name", path).value_or("");
    result.tool_call_id = optional_string(fields, "tool_call_id", path).value_or("");
    if (assistant) {
      result.reasoning_content = optional_string(fields, "reasoning_content", path);
      auto other_spelling = optional_string(fields, "reasoning", path);
      if (!result.reasoning_content) result.reasoning_content = std::move(other_spelling);
      result.tool_calls = read_tool_calls(fields, path + ".tool_calls");
      note_ignored(fields, path, {"role", "content", "name", "reasoning_content", "reasoning", "tool_calls"});
    } else {
      note_ignored(fields, path, {"role", "content", "name", "tool_call_id"});
    }
    return result;
  }

  static void refuse_unsupported(boost::json::object const& fields, std::string const& path) {
    for (std::string_view const key : {"function_call", "audio"}) {
      auto const* value = fields.if_contains(key);
      if (value == nullptr || value->is_null()) continue;
      refuse(path + '.' + std::string{key}, "unsupported_value", "is not supported");
    }
  }

  std::string read_content(json_value const& value, std::string const& path) {
    if (value.is_null()) return {};
    if (value.is_string()) return string(value, path);
    if (!value.is_array()) refuse_type(path, "a string or an array of text parts", value);
    std::string joined;
    std::size_t index = 0;
    for (auto const& part : value.get_array()) {
      auto const part_path = indexed(path, index++);
      auto const& fields = object(part, part_path);
      auto const type = string(member(fields, "type", part_path), part_path + ".type");
      if (type != "text") {
        refuse(part_path + ".type", "unsupported_value", "expected a text part, found '" + type + "'");
      }
      joined += string(member(fields, "text", part_path), part_path + ".text");
      note_ignored(fields, part_path, {"type", "text"});
    }
    return joined;
  }

  std::vector<chat_tool_call> read_tool_calls(boost::json::object const& fields, std::string const& path) {
    std::vector<chat_tool_call> result;
    auto const* value = fields.if_contains("tool_calls");
    if (value == nullptr || value->is_null()) return result;
    for (auto const& element : array(*value, path)) {
      auto const call_path = indexed(path, result.size());
      auto const& call = object(element, call_path);
      check_function_type(call, call_path);
      auto const function_path = call_path + ".function";
      auto const& function = object(member(call, "function", call_path), function_path);
      auto const& arguments = member(function, "arguments", function_path);
      if (!arguments.is_string() && !arguments.is_object()) {
        refuse_type(function_path + ".arguments", "a string or an object", arguments);
      }
      result.push_back({optional_string(call, "id", call_path).value_or(""),
                        function_name(function, function_path), arguments});
      note_ignored(call, call_path, {"index", "id", "type", "function"});
      note_ignored(function, function_path, {"name", "arguments"});
    }
    return result;
  }

  /// "type" may be left out, but says "function" where it stands.
  static void check_function_type(boost::json::object const& fields, std::string const& path) {
    auto const type = optional_string(fields, "type", path);
    if (type && *type != "function") {
      refuse(path + ".type", "unsupported_value", "expected 'function', found '" + *type + "'");
    }
  }

  static std::string function_name(boost::json::object const& function, std::string const& path) {
    auto name = string(member(function, "name", path), path + ".name");
    if (name.empty()) refuse(path + ".name", "invalid_value", "expected a name, found an empty string");
    return name;
  }

  std::vector<std::string> ignored_;
};

/// OpenAI's `messages` array as chat_message. Throws request_error; see message_reader.
inline std::vector<chat_message> parse_messages(boost::json::value const& messages) {
  return message_reader{}.read_messages(messages);
}

/// OpenAI's `messages` array from its JSON text, read strictly. Throws json_error and request_error.
inline std::vector<chat_message> parse_messages_json(std::string_view json) {
  return parse_messages(parse_strict_json(json));
}

/// OpenAI's `tools` array (or null) as chat_options::tools keeps it. Throws request_error.
inline std::vector<boost::json::value> parse_tools(boost::json::value const& tools) {
  return message_reader{}.read_tools(tools);
}

}  // namespace tenon
