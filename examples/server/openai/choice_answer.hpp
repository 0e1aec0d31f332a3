// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tenon/text/answer_stream.hpp"
#include "tenon/text/byte_level_bpe.hpp"
#include "tenon/work/event.hpp"

namespace server {

/// Why a choice ended, in OpenAI's words.
enum class finish { none, stop, length, tool_calls };

/// What one choice has gained since the last time, or how it ended, or both.
struct choice_delta {
  std::size_t choice = 0;  ///< counted over all prompts: prompt * n + choice of the prompt
  tenon::answer_delta text{};
  std::vector<tenon::event> tokens{};  ///< the tokens that the text stands for, where they are kept
  finish ended = finish::none;
  bool without_content = false;  ///< at the end: it was cut off while thinking
};

/// Which tokens of an answer are seen, and which are kept to be shown beside its text.
struct token_rules {
  bool skip_special = true;   ///< special tokens have no text
  bool keep = false;          ///< deltas carry their tokens
  bool keep_stop_id = false;  ///< the id that ended the answer among them, though it has no text
};

/// One choice on its way from the engine's events to text.
class choice_answer {
 public:
  choice_answer(tenon::byte_level_bpe const& tokenizer, tenon::answer_options options, token_rules rules);

  /// Takes one event and adds to `delta` what it brings. Not to be called after the end.
  void hear(tenon::event const& happened, choice_delta& delta);

  bool ended() const noexcept { return ended_ != finish::none; }
  finish how_it_ended() const noexcept { return ended_; }
  /// Whether it ended at a stop string or a call's end, of which the engine knows nothing.
  bool ended_by_text() const noexcept { return stream_.ended(); }

  /// Whether it is thinking and has done so for `budget` tokens.
  bool thought_for(std::int32_t budget) const noexcept {
    return stream_.thinking() && stream_.reasoning_tokens() >= budget;
  }

  /// Ids so far, the last stop id included.
  std::vector<tenon::token_id> const& ids() const noexcept { return ids_; }
  std::int32_t reasoning_tokens() const noexcept { return stream_.reasoning_tokens(); }

 private:
  void take_token(tenon::event const& happened, choice_delta& delta);
  void end(bool cut, choice_delta& delta);

  tenon::byte_level_bpe const& tokenizer_;
  tenon::answer_stream stream_;
  bool include_stop_;
  token_rules rules_;
  std::vector<tenon::event> pending_;  // tokens that no delta stood for yet
  std::vector<tenon::token_id> ids_;
  finish ended_ = finish::none;
};

}  // namespace server
