// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/openai/answer_json.hpp"

namespace server {

/// What a chat's answer shows besides its text.
struct chat_writer_options {
  bool reasoning = true;
  bool reasoning_alias = false;
  bool logprobs = false;
  bool token_ids = false;
  bool usage_null = false;  ///< chunks carry `usage: null`, since one with the usage follows
  std::string echoed{};     ///< stands before the content of every choice
};

/// chat.completion and chat.completion.chunk
class chat_writer final : public answer_writer {
 public:
  /// prompt: shown where token ids are.
  chat_writer(answer_identity identity, chat_writer_options options, tenon::byte_level_bpe const& tokenizer,
              std::vector<tenon::token_id> prompt, std::size_t choices);

  void begin(std::string& events) override;
  void stream(choice_delta const& delta, std::string& events) override;
  void stream_usage(generation_usage const& usage, std::string& events) override;
  void add(choice_delta const& delta) override;
  boost::json::object whole(generation_usage const& usage) override;

 private:
  struct choice {
    tenon::whole_answer answer{};
    std::vector<tenon::event> tokens{};
    finish ended = finish::none;
    bool without_content = false;
  };

  boost::json::value logprobs(std::span<tenon::event const> tokens) const;
  boost::json::object logprob(tenon::token_id id, float value) const;
  void put_reasoning(boost::json::object& object, std::string_view text) const;
  boost::json::object delta_json(tenon::answer_delta const& text) const;
  boost::json::object message_json(choice const& whole) const;
  void append_chunk(std::string& events, std::size_t index, boost::json::object delta,
                    std::span<tenon::event const> tokens, finish ended);

  answer_identity identity_;
  chat_writer_options options_;
  tenon::byte_level_bpe const& tokenizer_;
  std::vector<tenon::token_id> prompt_;
  bool prompt_shown_ = false;
  std::vector<choice> choices_;
};

}  // namespace server
