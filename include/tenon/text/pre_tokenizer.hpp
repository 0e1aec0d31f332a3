// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "tenon/text/unicode_classes.hpp"
#include "tenon/text/utf8.hpp"

namespace tenon {

/// Cuts text into the pieces that byte-pair merging works on: the pattern of Qwen2.5 and Qwen3, as a scanner.
///
/// The members are named after the alternatives of the pattern, tried in this order at every position.
class qwen_pre_tokenizer {
 public:
  static constexpr std::string_view pattern =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

  /// Calls `visit(std::string_view piece)` for each piece of `text`, which is well-formed UTF-8. The pieces
  /// tile the text: every position matches some alternative.
  template <class Visitor> void split(std::string_view text, Visitor&& visit) const {
    for (std::size_t begin = 0; begin < text.size();) {
      std::size_t const end = piece_end(text, begin);
      visit(text.substr(begin, end - begin));
      begin = end;
    }
  }

  /// End of the piece that starts at byte `begin` of `text`.
  std::size_t piece_end(std::string_view text, std::size_t begin) const noexcept {
    letter const first = letter_at(text, begin);
    std::size_t const second = begin + first.length;
    switch (first.kind) {
      case text_kind::letter:
        return run_end(text, second, text_kind::letter);
      case text_kind::number:
        return second;
      case text_kind::other:
        if (text[begin] == '\'') {
          if (std::size_t const length = contraction(text.substr(begin))) return begin + length;
        }
        if (kind_at(text, second) == text_kind::letter) return run_end(text, second, text_kind::letter);
        return symbols_end(text, second);
      case text_kind::space:
        break;
    }
    bool const line_break = text[begin] == '\r' || text[begin] == '\n';
    if (!line_break && second < text.size()) {
      text_kind const next = kind_at(text, second);
      if (next == text_kind::letter) return run_end(text, second, text_kind::letter);
      if (next == text_kind::other && text[begin] == ' ') return symbols_end(text, second);
    }
    return spaces_end(text, begin);
  }

 private:
  struct letter {
    text_kind kind;
    std::size_t length;  // bytes
  };

  letter letter_at(std::string_view text, std::size_t i) const noexcept {
    utf8::character const c = utf8::decode(text, i);
    return {classes_->text(c.code_point), c.length};
  }

  /// The kind at `i`, or `space` at the end of the text: no alternative goes on there.
  text_kind kind_at(std::string_view text, std::size_t i) const noexcept {
    return i < text.size() ? letter_at(text, i).kind : text_kind::space;
  }

  std::size_t run_end(std::string_view text, std::size_t i, text_kind kind) const noexcept {
    while (i < text.size()) {
      letter const here = letter_at(text, i);
      if (here.kind != kind) break;
      i += here.length;
    }
    return i;
  }

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`: its length in bytes at the apostrophe that starts `text`, or 0.
  static std::size_t contraction(std::string_view text) noexcept {
    auto const lower = [&](std::size_t i) {
      return i < text.size() ? static_cast<char>(text[i] | 0x20) : '\0';
    };
    switch (lower(1)) {
      case 's':
      case 't':
      case 'm':
      case 'd':
        return 2;
      case 'r':
      case 'v':
        return lower(2) == 'e' ? 3 : 0;
      case 'l':
        return lower(2) == 'l' ? 3 : 0;
      default:
        return text.substr(1, 2) == "\xC5\xBF" ? 3 : 0;  // U+017F, the long s, folds to s
    }
  }

  /// ` ?[^\s\p{L}\p{N}]+[\r\n]*` after its first symbol.
  std::size_t symbols_end(std::string_view text, std::size_t i) const noexcept {
    i = run_end(text, i, text_kind::other);
    while (i < text.size() && (text[i] == '\r' || text[i] == '\n')) ++i;
    return i;
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line break; else all, if the text ends there or it is one
  /// character; else all but the last, which may go with what follows.
  std::size_t spaces_end(std::string_view text, std::size_t begin) const noexcept {
    std::size_t after_break = 0;
    std::size_t last = begin;
    std::size_t i = begin;
    while (i < text.size()) {
      letter const here = letter_at(text, i);
      if (here.kind != text_kind::space) break;
      last = i;
      i += here.length;
      if (text[last] == '\r' || text[last] == '\n') after_break = i;
    }
    if (after_break > 0) return after_break;
    return i == text.size() || last == begin ? i : last;
  }

  unicode_classes const* classes_ = &unicode_classes::table();
};

}  // namespace tenon
