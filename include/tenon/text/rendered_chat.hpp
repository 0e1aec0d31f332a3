// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/text/tokenizer.hpp"

namespace tenon {

/// A conversation as one text that remembers which pieces the template wrote and which came from outside.
///
/// Only the template's own words are trusted: added tokens match in them and nowhere else, so no content,
/// reasoning, tool description, function name or argument can open a turn or close one.
class rendered_chat {
 public:
  /// Appends a piece that the template itself writes.
  void append_template(std::string_view piece) { append(piece, true); }

  /// Appends a piece that a client, a tool or a model wrote.
  void append_content(std::string_view piece) { append(piece, false); }

  std::string const& text() const noexcept { return text_; }

  /// The text in pieces whose trust alternates, none empty; views into this object, which must outlive them
  /// unmoved.
  std::vector<text_span> spans() const& {
    std::vector<text_span> result;
    result.reserve(pieces_.size());
    std::size_t begin = 0;
    for (piece const& each : pieces_) {
      result.push_back({std::string_view{text_}.substr(begin, each.end - begin), each.trusted});
      begin = each.end;
    }
    return result;
  }
  std::vector<text_span> spans() const&& = delete;  // the views would outlive the text

 private:
  struct piece {
    std::size_t end;
    bool trusted;
  };

  void append(std::string_view piece, bool trusted) {
    if (piece.empty()) return;
    text_ += piece;
    if (pieces_.empty() || pieces_.back().trusted != trusted) {
      pieces_.push_back({text_.size(), trusted});
    } else {
      pieces_.back().end = text_.size();
    }
  }

  std::string text_;
  std::vector<piece> pieces_;
};

}  // namespace tenon
