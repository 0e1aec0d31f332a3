// SPDX-License-Identifier: Apache-2.0
#include "server/openai/choice_answer.hpp"

#include <iterator>
#include <string_view>
#include <utility>

namespace server {

namespace {

void append(tenon::answer_delta& to, tenon::answer_delta from) {
  to.reasoning += from.reasoning;
  to.content += from.content;
  std::move(from.calls.begin(), from.calls.end(), std::back_inserter(to.calls));
  to.tokens += from.tokens;
}

}  // namespace

choice_answer::choice_answer(tenon::byte_level_bpe const& tokenizer, tenon::answer_options options,
                             token_rules rules)
    : tokenizer_{tokenizer}, stream_{options}, include_stop_{options.include_stop}, rules_{rules} {}

void choice_answer::hear(tenon::event const& happened, choice_delta& delta) {
  if (happened.token) take_token(happened, delta);
  if (stream_.ended()) {
    end(false, delta);
  } else if (happened.finish != tenon::finish_reason::none) {
    end(happened.finish != tenon::finish_reason::stop, delta);
  }
  if (!rules_.keep) return;
  auto const given = static_cast<std::ptrdiff_t>(delta.text.tokens - delta.tokens.size());
  std::move(pending_.begin(), pending_.begin() + given, std::back_inserter(delta.tokens));
  pending_.erase(pending_.begin(), pending_.begin() + given);
}

/// A stop id is no text of the answer, unless what stops it is to be seen.
void choice_answer::take_token(tenon::event const& happened, choice_delta& delta) {
  auto const id = *happened.token;
  ids_.push_back(id);
  bool const silent_stop = happened.finish == tenon::finish_reason::stop && !include_stop_;
  if (silent_stop && !rules_.keep_stop_id) return;
  bool const hidden = silent_stop || (rules_.skip_special && tokenizer_.is_special(id));
  if (rules_.keep) pending_.push_back(happened);
  append(delta.text, stream_.push(hidden ? std::string_view{} : tokenizer_.token_bytes(id)));
}

void choice_answer::end(bool cut, choice_delta& delta) {
  append(delta.text, stream_.finish(cut));
  bool const calls = stream_.completed_calls() > 0;
  ended_ = delta.ended = cut ? finish::length : calls ? finish::tool_calls : finish::stop;
  delta.without_content = stream_.without_content();
}

}  // namespace server
