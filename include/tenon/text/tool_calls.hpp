// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/string.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tenon/text/chat_message.hpp"
#include "tenon/text/marker_search.hpp"
#include "tenon/text/tool_call_reader.hpp"

namespace tenon {

/// Text that is no tool call.
struct content_delta {
  std::string text;
};

/// A call has begun: its name and where its arguments begin are read. Indices count from 0 without gaps.
struct tool_call_begin {
  std::size_t index;
  std::string id;
  std::string name;
};

/// The next piece of a call's arguments, verbatim.
struct tool_call_arguments {
  std::size_t index;
  std::string fragment;
};

/// A call is complete and well formed.
struct tool_call_end {
  std::size_t index;
};

/// A call that had begun turned out malformed or was cut off; its text follows as content, verbatim.
struct tool_call_abandoned {
  std::size_t index;
};

using tool_call_event =
    std::variant<content_delta, tool_call_begin, tool_call_arguments, tool_call_end, tool_call_abandoned>;

/// When the events of a call are given.
enum class tool_call_delivery {
  streamed,  // as they are read: a malformed call may have begun, and is then abandoned
  whole,     // when the call is complete: a malformed call is content and nothing else
};

/// Finds tool calls in the Hermes format, `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, in an
/// answer while it streams in.
///
/// Well formed is a JSON object with a name (a string that is not empty) and arguments (an object), once each
/// and in either order; other members are passed over. A last call whose JSON is complete needs no closing
/// marker. Everything else is content, verbatim, but for the white space that sets calls apart: all of it
/// before the first call if no other content stands there, all of it between calls and at the very end behind
/// one, and one newline between content and a call, as chat templates write it. What the events add up to
/// does not depend on how the text was cut.
class tool_call_splitter {
 public:
  /// id_prefix: a call's id is this and the call's index; unique where the prefix is.
  explicit tool_call_splitter(std::string id_prefix = "call_",
                              tool_call_delivery delivery = tool_call_delivery::streamed)
      : id_prefix_{std::move(id_prefix)}, delivery_{delivery} {}

  /// Takes more of the answer's content, whole UTF-8, and gives what is certain.
  std::vector<tool_call_event> push(std::string_view text) {
    events_.clear();
    input_ += text;
    while (where_ == place::text ? find_call() : read_call()) {
    }
    give_fragment();
    input_.erase(0, next_ - closing_seen_);
    next_ = closing_seen_;
    return std::exchange(events_, {});
  }

  /// Ends the answer and gives what was held back.
  std::vector<tool_call_event> flush() {
    events_.clear();
    if (where_ == place::closing) {
      end_call();
    } else if (where_ != place::text) {
      abandon_call();
    } else if (next_index_ == 0 || !blank_ || !is_space(input_)) {
      give_content(input_);
    }
    input_.clear();
    next_ = 0;
    return std::exchange(events_, {});
  }

  /// Calls begun so far, abandoned ones included.
  std::size_t calls() const noexcept { return next_index_; }

 private:
  enum class place {
    text,     // outside of calls
    opening,  // white space behind the opening marker
    object,   // the call's JSON
    closing,  // behind it, up to the end of the closing marker
  };

  static constexpr std::string_view open_ = "<tool_call>";
  static constexpr std::string_view close_ = "</tool_call>";

  static bool is_space(std::string_view text) noexcept {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
  }

  /// Gives content up to the next call; false when more text is needed.
  bool find_call() {
    auto const unread = std::string_view{input_}.substr(next_);
    auto const at = unread.find(open_);
    bool const found = at != std::string_view::npos;
    auto const before = unread.substr(0, found ? at : unread.size() - partial_marker(unread, open_));
    bool const only_space = blank_ && is_space(before);
    std::size_t const separator = only_space ? before.size() : before.ends_with('\n') ? 1 : 0;
    auto const content = before.size() - separator;
    give_content(before.substr(0, content));
    next_ += content;
    if (!found) return false;
    block_ = unread.substr(content, separator + open_.size());
    next_ += block_.size();
    reader_ = tool_call_reader{};
    where_ = place::opening;
    return true;
  }

  /// Reads on in a call; false when more text is needed.
  bool read_call() {
    while (next_ < input_.size() && where_ != place::text) {
      auto const byte = input_[next_];
      if (!read_byte(byte)) {
        abandon_call();
        return true;
      }
      ++next_;
    }
    return where_ == place::text;
  }

  /// False if the call is malformed; the byte is then not part of it.
  bool read_byte(char c) {
    bool const space = is_space({&c, 1});
    if (where_ == place::closing) {
      if (closing_seen_ == 0 && space) {
        block_ += c;
        return true;
      }
      return read_marker(c);
    }
    if (where_ == place::opening && !space) where_ = place::object;
    if (where_ == place::object && !read_object(c)) return false;
    block_ += c;
    return true;
  }

  /// A byte of the closing marker, which joins the block only as a whole.
  bool read_marker(char c) {
    if (c != close_[closing_seen_]) return false;
    if (++closing_seen_ == close_.size()) end_call();
    return true;
  }

  bool read_object(char c) {
    bool const had_begun = reader_.begun();
    if (!reader_.push(c)) return false;
    if (reader_.begun() && !had_begun && !whole()) give_begin();
    if (reader_.complete()) where_ = place::closing;
    return true;
  }

  bool whole() const noexcept { return delivery_ == tool_call_delivery::whole; }

  void give_content(std::string_view text) {
    if (text.empty()) return;
    if (!is_space(text)) blank_ = false;
    auto* last = events_.empty() ? nullptr : std::get_if<content_delta>(&events_.back());
    if (last != nullptr) {
      last->text += text;
    } else {
      events_.emplace_back(content_delta{std::string{text}});
    }
  }

  void give_begin() {
    auto const index = next_index_++;
    events_.emplace_back(tool_call_begin{index, id_prefix_ + std::to_string(index), reader_.name()});
  }

  void give_fragment() {
    if (where_ == place::text || !reader_.begun() || whole()) return;
    auto fragment = reader_.take_arguments();
    if (fragment.empty()) return;
    events_.emplace_back(tool_call_arguments{next_index_ - 1, std::move(fragment)});
  }

  void end_call() {
    if (whole()) {
      give_begin();
      events_.emplace_back(tool_call_arguments{next_index_ - 1, reader_.take_arguments()});
    } else {
      give_fragment();
    }
    events_.emplace_back(tool_call_end{next_index_ - 1});
    where_ = place::text;
    closing_seen_ = 0;
    blank_ = true;
  }

  /// Turns the call into content. A closing marker that broke off is looked at again: it may begin another
  /// call.
  void abandon_call() {
    give_fragment();
    if (reader_.begun() && !whole()) events_.emplace_back(tool_call_abandoned{next_index_ - 1});
    where_ = place::text;
    next_ -= closing_seen_;
    closing_seen_ = 0;
    give_content(block_);
  }

  std::string id_prefix_;
  tool_call_delivery delivery_;
  place where_ = place::text;
  bool blank_ = true;             // nothing but white space since the beginning or the last call
  std::string input_;             // what is held back or not looked at yet
  std::size_t next_ = 0;          // the next byte of `input_` to look at
  std::size_t closing_seen_ = 0;  // bytes of the closing marker that stand before it
  std::string block_;             // the call so far, white space before its opening marker included
  tool_call_reader reader_;
  std::size_t next_index_ = 0;
  std::vector<tool_call_event> events_;
};

/// An answer's content and calls. `content` is absent where there are calls and nothing else.
struct split_turn {
  std::optional<std::string> content;
  std::vector<chat_tool_call> calls;
};

/// What a tool_call_splitter gives for the whole `text`, arguments as text; malformed calls are content.
inline split_turn split_tool_calls(std::string_view text, std::string id_prefix = "call_") {
  tool_call_splitter splitter{std::move(id_prefix), tool_call_delivery::whole};
  split_turn result;
  std::string content;
  auto const take = [&](std::vector<tool_call_event> events) {
    for (auto& event : events) {
      if (auto* piece = std::get_if<content_delta>(&event)) content += piece->text;
      if (auto* begin = std::get_if<tool_call_begin>(&event)) {
        result.calls.push_back({std::move(begin->id), std::move(begin->name), boost::json::string{}});
      }
      if (auto* arguments = std::get_if<tool_call_arguments>(&event)) {
        result.calls.back().arguments = arguments->fragment;
      }
    }
  };
  take(splitter.push(text));
  take(splitter.flush());
  if (!content.empty() || result.calls.empty()) result.content = std::move(content);
  return result;
}

}  // namespace tenon
