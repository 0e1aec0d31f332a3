// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tenon/text/reasoning.hpp"
#include "tenon/text/stop_matcher.hpp"
#include "tenon/text/stream_decoder.hpp"
#include "tenon/text/tool_calls.hpp"

namespace tenon {

/// How the tokens of an answer become what a client reads.
struct answer_options {
  std::vector<std::string> stops{};  ///< strings that end the answer
  bool include_stop = false;         ///< the stop string stays in the text
  std::int32_t min_tokens = 0;       ///< stop strings are not looked for in the first tokens
  reasoning_mode reasoning = reasoning_mode::none;
  bool tool_calls = false;         ///< look for tool calls in the content
  bool single_call = false;        ///< the end of the first call ends the answer
  std::string call_ids = "call_";  ///< a call's id is this and its index
};

/// A piece of an answer. Pieces are concatenated, field by field.
struct answer_delta {
  std::string reasoning{};
  std::string content{};
  std::vector<tool_call_event> calls{};  ///< without content_delta
  std::size_t tokens = 0;  ///< how many tokens it stands for: the first of those that no delta stood for yet

  bool empty() const noexcept { return reasoning.empty() && content.empty() && calls.empty(); }
};

/// Why an answer's text ends before its model says so.
enum class answer_end : std::uint8_t { none, stop_string, single_call };

/// Makes a client's answer of one choice's tokens while they are sampled: bytes to whole UTF-8, up to a stop
/// string, thinking apart from content, tool calls apart from text.
///
/// What the deltas add up to does not depend on how the bytes were cut into tokens, nor on when they came: an
/// answer that is not streamed is the sum of the deltas of one that is. Stop strings are looked for in the
/// whole text, thinking and calls included.
class answer_stream {
 public:
  /// Throws request_error for stop strings that stop_matcher refuses.
  explicit answer_stream(answer_options options)
      : options_{std::move(options)},
        stops_{options_.stops, options_.include_stop},
        splitter_{options_.reasoning},
        thoughts_{options_.reasoning},
        calls_{options_.call_ids} {}

  /// Takes the bytes of the next token (none for one that is not to be seen) and gives what is certain.
  /// Nothing comes after the answer has ended.
  answer_delta push(std::string_view bytes) {
    answer_delta out;
    if (ended()) return out;
    auto const text = decoder_.push(bytes);
    count_thought(text);
    ++pending_tokens_;
    bool const searched = taken_tokens_++ >= options_.min_tokens;
    pass(searched ? stops_.push(text) : text, out);
    if (end_ == answer_end::none && stops_.stopped()) end_ = answer_end::stop_string;
    if (!out.empty()) out.tokens = std::exchange(pending_tokens_, 0);
    return out;
  }

  /// Ends the answer and gives what was held back, with all tokens that no delta stood for.
  ///
  /// cut: the model had not come to an end. A tool call that has begun stays one, its arguments cut off;
  /// where the model ended inside a call, the call is malformed, and so content.
  answer_delta finish(bool cut) {
    answer_delta out;
    if (!ended()) {
      auto rest = stops_.push(decoder_.flush());
      pass(rest + stops_.flush(), out);
    }
    auto const halves = splitter_.flush();
    out.reasoning += halves.reasoning;
    if (!options_.tool_calls) {
      out.content += halves.content;
    } else if (end_ != answer_end::single_call) {
      take(calls_.push(halves.content), out);
      take_last(calls_.flush(), cut || ended(), out);
    }
    out.tokens = std::exchange(pending_tokens_, 0);
    return out;
  }

  bool ended() const noexcept { return end_ != answer_end::none; }
  answer_end end() const noexcept { return end_; }

  /// Which of the stop strings ended the answer.
  std::optional<std::size_t> matched_stop() const noexcept { return stops_.matched(); }

  /// Tool calls that are complete.
  std::size_t completed_calls() const noexcept { return completed_calls_; }

  /// Tokens between the markers of the thinking, so far.
  std::int32_t reasoning_tokens() const noexcept { return reasoning_tokens_; }

  /// Whether the model is thinking as of the last token, whatever is held back of the text.
  bool thinking() const noexcept { return thoughts_.thinking(); }

  /// After finish: the answer was cut off while thinking, so that it has no content at all.
  bool without_content() const noexcept { return splitter_.thinking(); }

 private:
  /// A second splitter sees the text at once, before stop strings hold it back: a budget of thinking counts
  /// tokens, and the next one must not be sampled when it is spent.
  void count_thought(std::string_view text) {
    if (options_.reasoning == reasoning_mode::none) return;
    bool const before = thoughts_.thinking();
    thoughts_.push(text);
    if (before && thoughts_.thinking()) ++reasoning_tokens_;
  }

  void pass(std::string_view text, answer_delta& out) {
    auto halves = splitter_.push(text);
    out.reasoning += halves.reasoning;
    if (options_.tool_calls) {
      take(calls_.push(halves.content), out);
    } else {
      out.content += halves.content;
    }
  }

  void take(std::vector<tool_call_event> events, answer_delta& out) {
    for (auto& event : events) {
      if (end_ == answer_end::single_call) return;
      if (auto* const text = std::get_if<content_delta>(&event)) {
        out.content += text->text;
        continue;
      }
      if (std::holds_alternative<tool_call_end>(event)) {
        ++completed_calls_;
        if (options_.single_call) end_ = answer_end::single_call;
      }
      out.calls.push_back(std::move(event));
    }
  }

  void take_last(std::vector<tool_call_event> events, bool cut, answer_delta& out) {
    for (std::size_t i = 0; cut && i < events.size(); ++i) {
      if (std::holds_alternative<tool_call_abandoned>(events[i])) events.resize(i, content_delta{});
    }
    take(std::move(events), out);
  }

  answer_options options_;
  stream_decoder decoder_;
  stop_matcher stops_;
  reasoning_splitter splitter_;
  reasoning_splitter thoughts_;
  tool_call_splitter calls_;
  answer_end end_ = answer_end::none;
  std::int32_t taken_tokens_ = 0;
  std::int32_t reasoning_tokens_ = 0;
  std::size_t pending_tokens_ = 0;
  std::size_t completed_calls_ = 0;
};

/// A whole answer: the sum of an answer_stream's deltas.
struct whole_answer {
  std::string reasoning{};
  std::string content{};
  std::vector<chat_tool_call> calls{};  ///< arguments as text

  void add(answer_delta const& delta) {
    reasoning += delta.reasoning;
    content += delta.content;
    for (auto const& event : delta.calls) add(event);
  }

 private:
  void add(tool_call_event const& event) {
    if (auto const* begin = std::get_if<tool_call_begin>(&event)) {
      calls.push_back({begin->id, begin->name, boost::json::string{}});
    } else if (auto const* arguments = std::get_if<tool_call_arguments>(&event)) {
      calls.back().arguments.get_string().append(arguments->fragment);
    } else if (std::holds_alternative<tool_call_abandoned>(event)) {
      calls.pop_back();  // its text is in the content
    }
  }
};

}  // namespace tenon
