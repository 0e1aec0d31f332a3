// SPDX-License-Identifier: Apache-2.0
#include "server/openai/chat_body.hpp"

#include <algorithm>
#include <utility>

#include "tenon/text/parse_messages.hpp"

namespace server {

namespace {

/// Whether the model may think: by its own field, by the template's, or by the one of OpenAI's own models.
std::optional<bool> read_thinking(body_fields& fields, std::vector<std::string>& ignored) {
  auto thinking = fields.boolean("enable_thinking");
  if (auto const* const given = fields.object("chat_template_kwargs")) {
    body_fields arguments{*given, "chat_template_kwargs"};
    auto const nested = arguments.boolean("enable_thinking");
    if (nested && thinking && *nested != *thinking)
      refuse("chat_template_kwargs.enable_thinking", "invalid_value",
             "expected the value of enable_thinking");
    if (nested) thinking = nested;
    arguments.note_unread(ignored);
  }
  return thinking;
}

void read_effort(body_fields& fields, std::optional<bool>& thinking) {
  auto const effort = fields.string("reasoning_effort");
  if (!effort) return;
  if (*effort != "none")
    refuse("reasoning_effort", "unsupported_value",
           "expected 'none', which turns thinking off, found '" + *effort + "'");
  if (thinking.value_or(false))
    refuse("reasoning_effort", "invalid_value", "'none' contradicts enable_thinking");
  thinking = false;
}

bool has_tool(std::vector<boost::json::value> const& tools, std::string_view name) {
  return std::any_of(tools.begin(), tools.end(), [&](boost::json::value const& tool) {
    return tool.at("function").at("name").as_string() == name;
  });
}

/// {"type": "function", "function": {"name": …}}
std::string read_named_tool(boost::json::object const& choice, conversation_fields& conversation) {
  body_fields fields{choice, "tool_choice"};
  auto const type = fields.string("type");
  if (!type) refuse("tool_choice.type", "missing_required_parameter", "is missing");
  if (*type != "function")
    refuse("tool_choice.type", "unsupported_value", "expected 'function', found '" + *type + "'");
  auto const* const function = fields.object("function");
  if (function == nullptr) refuse("tool_choice.function", "missing_required_parameter", "is missing");
  body_fields named{*function, "tool_choice.function"};
  auto const name = named.string("name");
  if (!name) refuse("tool_choice.function.name", "missing_required_parameter", "is missing");
  if (!has_tool(conversation.options.tools, *name))
    refuse("tool_choice.function.name", "invalid_value",
           "expected the name of one of the tools, found '" + *name + "'");
  fields.note_unread(conversation.ignored);
  named.note_unread(conversation.ignored);
  return *name;
}

void read_tool_choice(body_fields& fields, chat_body& body) {
  auto& tools = body.conversation.options.tools;
  body.parallel_tool_calls = fields.boolean("parallel_tool_calls").value_or(true);
  body.tools = tools.empty() ? tool_use::none : tool_use::automatic;
  auto const* const choice = fields.value("tool_choice");
  if (choice == nullptr) return;
  if (choice->is_object()) {
    body.forced_tool = read_named_tool(choice->get_object(), body.conversation);
    body.tools = tool_use::forced;
    body.parallel_tool_calls = false;
    return;
  }
  if (!choice->is_string()) refuse_type("tool_choice", "a string or an object", *choice);
  auto const word = to_string(*choice, "tool_choice");
  if (word == "none") {
    tools.clear();
    body.tools = tool_use::none;
  } else if (word == "required") {
    if (tools.empty()) refuse("tool_choice", "invalid_value", "expected tools with 'required'");
    body.tools = tool_use::forced;
    if (tools.size() == 1)
      body.forced_tool = to_string(tools.front().at("function").at("name"), "tools[0].function.name");
  } else if (word != "auto") {
    refuse("tool_choice", "invalid_value",
           "expected 'none', 'auto', 'required' or a named function, found '" + word + "'");
  }
}

bool read_return_reasoning(body_fields& fields) {
  auto const wanted = fields.boolean("return_reasoning");
  auto const other = fields.boolean("include_reasoning");
  if (wanted && other && *wanted != *other)
    refuse("include_reasoning", "invalid_value", "expected the value of return_reasoning");
  return wanted.value_or(other.value_or(true));
}

}  // namespace

conversation_fields read_conversation(body_fields& fields) {
  conversation_fields result;
  auto const* const messages = fields.value("messages");
  if (messages == nullptr) refuse("messages", "missing_required_parameter", "is missing");
  tenon::message_reader reader;
  result.messages = reader.read_messages(*messages);
  if (auto const* const tools = fields.value("tools")) result.options.tools = reader.read_tools(*tools);
  result.ignored = reader.ignored();
  result.options.enable_thinking = read_thinking(fields, result.ignored);
  result.options.continue_final_message = fields.boolean("continue_final_message").value_or(false);
  auto const opened = fields.boolean("add_generation_prompt");
  result.options.add_generation_prompt = opened.value_or(!result.options.continue_final_message);
  return result;
}

chat_body read_chat_body(boost::json::object const& body, model_service const& service) {
  chat_body result;
  body_fields fields{body};
  result.model = read_model(fields, service);
  result.conversation = read_conversation(fields);
  auto& thinking = result.conversation.options.enable_thinking;
  read_effort(fields, thinking);
  read_tool_choice(fields, result);
  result.generation = read_generation(fields, service, chat_route);
  result.return_reasoning = read_return_reasoning(fields);
  bool const answered = result.conversation.messages.back().role == tenon::chat_role::assistant;
  result.echo = fields.boolean("echo").value_or(false) && answered;
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (auto const budget = fields.integer("thinking_token_budget", {0, most}))
    result.thinking_budget = static_cast<std::int32_t>(*budget);
  auto nested = result.conversation.ignored;
  nested.insert(nested.end(), result.generation.ignored.begin(), result.generation.ignored.end());
  result.ignored = check_unread(fields, body, chat_route, service.strict, std::move(nested));
  return result;
}

}  // namespace server
