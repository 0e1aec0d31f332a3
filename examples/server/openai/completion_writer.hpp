// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "server/openai/answer_json.hpp"
#include "tenon/text/stream_decoder.hpp"

namespace server {

/// What a completion shows besides its text.
struct completion_writer_options {
  bool logprobs = false;
  bool skip_special = true;  ///< special tokens have no text
  bool token_ids = false;
  bool usage_null = false;  ///< chunks carry `usage: null`, since one with the usage follows
  std::vector<std::string>
      echoed{};  ///< a prompt's text, which stands before each of its completions; or none
};

/// text_completion, whole and in chunks.
class completion_writer final : public answer_writer {
 public:
  /// choices: of one prompt.
  completion_writer(answer_identity identity, completion_writer_options options,
                    tenon::byte_level_bpe const& tokenizer, std::vector<std::vector<tenon::token_id>> prompts,
                    std::size_t choices);

  void begin(std::string& events) override;
  void stream(choice_delta const& delta, std::string& events) override;
  void stream_usage(generation_usage const& usage, std::string& events) override;
  void add(choice_delta const& delta) override;
  boost::json::object whole(generation_usage const& usage) override;

 private:
  /// tokens, token_logprobs, top_logprobs and text_offset, which counts code points.
  struct logprobs_lists {
    boost::json::array tokens{};
    boost::json::array values{};
    boost::json::array best{};
    boost::json::array offsets{};
  };
  struct choice {
    std::string text{};
    tenon::stream_decoder decoder{};
    std::size_t offset = 0;
    logprobs_lists logprobs{};
    boost::json::array ids{};
    bool prompt_shown = false;
    finish ended = finish::none;
  };

  std::size_t prompt_of(std::size_t index) const noexcept { return index / choices_of_one_; }
  void add_logprobs(choice& to, std::span<tenon::event const> tokens, logprobs_lists& lists) const;
  static boost::json::object to_json(logprobs_lists lists);
  void append_chunk(std::string& events, std::size_t index, std::string_view text,
                    std::span<tenon::event const> tokens, finish ended);

  answer_identity identity_;
  completion_writer_options options_;
  tenon::byte_level_bpe const& tokenizer_;
  std::vector<std::vector<tenon::token_id>> prompts_;
  std::size_t choices_of_one_;
  std::vector<choice> choices_;
};

}  // namespace server
