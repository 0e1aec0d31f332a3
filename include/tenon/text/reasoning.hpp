// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tenon/text/marker_search.hpp"

namespace tenon {

/// Where the thinking of an answer begins, if it has any.
enum class reasoning_mode {
  none,             // thinking is off: the whole answer is content
  opened_by_model,  // the answer may begin with `<think>`; if it does not, it is content
  already_open,     // the prompt ends behind `<think>`
};

/// A piece of an answer, either half possibly empty. Pieces are concatenated.
struct reasoning_delta {
  std::string reasoning;
  std::string content;

  bool empty() const noexcept { return reasoning.empty() && content.empty(); }
};

/// Separates an answer's thinking from its content while it streams in.
///
/// The markers and the newlines around them belong to neither half: those after `<think>`, on both sides of
/// `</think>`, and white space before `<think>`. Only a `<think>` at the very beginning and the first
/// `</think>` after it are markers. What the pieces add up to does not depend on how the text was cut:
/// everything that may still turn out to be a marker or a newline beside one is held back.
class reasoning_splitter {
 public:
  explicit reasoning_splitter(reasoning_mode mode) noexcept : where_{start(mode)} {}

  /// Takes more of the answer, whole UTF-8, and gives what is certain.
  reasoning_delta push(std::string_view text) {
    reasoning_delta out;
    held_ += text;
    while (advance(out)) {
    }
    return out;
  }

  /// Ends the answer and gives what was held back. An answer cut off while thinking is all reasoning,
  /// newlines at its end included.
  reasoning_delta flush() {
    reasoning_delta out;
    (thinking() ? out.reasoning : out.content) = std::exchange(held_, {});
    return out;
  }

  /// Whether the thinking has begun and not ended. After flush: the answer was cut off before any content,
  /// which is then null, not empty.
  bool thinking() const noexcept { return where_ == place::thought_start || where_ == place::thought; }

 private:
  enum class place { before, thought_start, thought, answer_start, answer };

  static constexpr std::string_view open_ = "<think>";
  static constexpr std::string_view close_ = "</think>";

  static constexpr place start(reasoning_mode mode) noexcept {
    return mode == reasoning_mode::none              ? place::answer
           : mode == reasoning_mode::opened_by_model ? place::before
                                                     : place::thought_start;
  }

  /// One step; false when more text is needed.
  bool advance(reasoning_delta& out) {
    if (held_.empty()) return false;
    switch (where_) {
      case place::before:
        return find_opening();
      case place::thought_start:
        return skip_newlines(place::thought);
      case place::thought:
        return find_closing(out);
      case place::answer_start:
        return skip_newlines(place::answer);
      case place::answer:
        out.content += std::exchange(held_, {});
        return false;
    }
    return false;
  }

  bool find_opening() {
    auto const first = held_.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return false;
    auto const rest = std::string_view{held_}.substr(first);
    if (rest.size() < open_.size() && open_.starts_with(rest)) return false;
    if (rest.starts_with(open_)) {
      held_.erase(0, first + open_.size());
      where_ = place::thought_start;
    } else {
      where_ = place::answer;
    }
    return true;
  }

  bool skip_newlines(place next) {
    held_.erase(0, std::min(held_.find_first_not_of('\n'), held_.size()));
    if (!held_.empty()) where_ = next;
    return !held_.empty();
  }

  bool find_closing(reasoning_delta& out) {
    auto const at = held_.find(close_);
    bool const closed = at != std::string::npos;
    auto const end = closed ? at : held_.size() - partial_marker(held_, close_);
    auto const certain = without_newlines(end);
    out.reasoning.append(held_, 0, certain);
    held_.erase(0, closed ? at + close_.size() : certain);
    if (closed) where_ = place::answer_start;
    return closed;
  }

  /// The end of the text before `end` when newlines right before it are left out.
  std::size_t without_newlines(std::size_t end) const noexcept {
    while (end > 0 && held_[end - 1] == '\n') --end;
    return end;
  }

  place where_;
  std::string held_;
};

/// A whole answer in its two halves. `reasoning` is absent where there is none, `content` where the answer
/// was cut off while thinking.
struct split_answer {
  std::optional<std::string> reasoning;
  std::optional<std::string> content;
};

/// What a reasoning_splitter gives for the whole `answer`.
inline split_answer split_reasoning(std::string_view answer, reasoning_mode mode) {
  reasoning_splitter splitter{mode};
  auto whole = splitter.push(answer);
  auto const rest = splitter.flush();
  whole.reasoning += rest.reasoning;
  whole.content += rest.content;
  split_answer result;
  if (!whole.reasoning.empty()) result.reasoning = std::move(whole.reasoning);
  if (!splitter.thinking()) result.content = std::move(whole.content);
  return result;
}

}  // namespace tenon
