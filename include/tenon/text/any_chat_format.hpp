// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "tenon/core/error.hpp"
#include "tenon/text/chat_format.hpp"
#include "tenon/text/qwen2_5_chat.hpp"
#include "tenon/text/qwen3_chat.hpp"
#include "tenon/text/strict_json.hpp"

namespace tenon {

/// The chat format of a checkpoint, known when it is loaded.
using any_chat_format = std::variant<qwen2_5_chat, qwen3_chat>;

/// The family's name, for logs.
inline std::string_view name(any_chat_format const& format) {
  return std::visit([]<chat_format F>(F) { return F::name; }, format);
}

/// Throws request_error.
inline rendered_chat render(any_chat_format const& format, std::span<chat_message const> messages,
                            chat_options const& options) {
  return std::visit([&]<chat_format F>(F) { return F::render(messages, options); }, format);
}

inline reasoning_mode reasoning(any_chat_format const& format, chat_options const& options) {
  return std::visit([&]<chat_format F>(F) { return F::reasoning(options); }, format);
}

/// The format whose rules a chat template spells out, told by the sentences that set the families apart;
/// nothing for any other, later revisions with other rules included.
inline std::optional<any_chat_format> recognise_chat_template(std::string_view chat_template) {
  auto const has = [chat_template](std::string_view part) {
    return chat_template.find(part) != std::string_view::npos;
  };
  if (!has("<|im_start|>") || !has("<tool_call>")) return std::nullopt;
  if (has("last_query_index") && has("enable_thinking is false")) return qwen3_chat{};
  if (has(qwen2_5_chat::default_system_message) && !has("<think>")) return qwen2_5_chat{};
  return std::nullopt;
}

namespace chat_format_files {

inline std::optional<std::string> read(std::filesystem::path const& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>{file}, {}};
}

/// The entry called "default" of a list of named templates, [{"name": …, "template": …}].
inline boost::json::value const* default_template(boost::json::array const& list) {
  for (auto const& element : list) {
    auto const* fields = element.if_object();
    auto const* title = fields != nullptr ? fields->if_contains("name") : nullptr;
    if (title != nullptr && *title == "default") return fields->if_contains("template");
  }
  return nullptr;
}

/// The string under `key` of a JSON file's object, or the default of the list there; nothing if the file or
/// the key is absent.
inline std::optional<std::string> read_string(std::filesystem::path const& path, std::string_view key) {
  auto const text = read(path);
  if (!text) return std::nullopt;
  boost::json::value root;
  try {
    root = parse_strict_json(*text);
  } catch (json_error const& failure) {
    throw load_error{path.string(), failure.what()};
  }
  if (!root.is_object()) throw load_error{path.string(), "expected a JSON object"};
  auto const* value = root.get_object().if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_array()) value = default_template(value->get_array());
  if (value == nullptr || !value->is_string()) {
    throw load_error{path.string(), "'" + std::string{key} + "': expected a string"};
  }
  return std::string{std::string_view{value->get_string().subview()}};
}

}  // namespace chat_format_files

/// The chat format of the checkpoint in `directory`. Its chat template decides (chat_template.jinja, or
/// `chat_template` in tokenizer_config.json); without one, `model_type` in config.json.
/// Throws load_error if that is none of the known formats.
inline any_chat_format choose_chat_format(std::filesystem::path const& directory) {
  auto const config = directory / "tokenizer_config.json";
  auto const apart = directory / "chat_template.jinja";
  auto const in_file = chat_format_files::read(apart);
  auto const chat_template = in_file ? in_file : chat_format_files::read_string(config, "chat_template");
  if (chat_template) {
    if (auto const format = recognise_chat_template(*chat_template)) return *format;
    throw load_error{(in_file ? apart : config).string(),
                     "expected the chat template of Qwen2.5 or Qwen3, found another one of " +
                         std::to_string(chat_template->size()) + " bytes"};
  }
  auto const model_config = directory / "config.json";
  auto const type = chat_format_files::read_string(model_config, "model_type");
  if (type == "qwen3") return qwen3_chat{};
  if (type == "qwen2") return qwen2_5_chat{};
  throw load_error{model_config.string(),
                   "no chat template, and 'model_type': expected qwen2 or qwen3, found " +
                       (type ? "'" + *type + "'" : std::string{"none"})};
}

}  // namespace tenon
