// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// A token that is matched as a whole in text, before normalisation and splitting.
struct added_token {
  std::string content;  // never empty, well-formed UTF-8
  token_id id = 0;
  bool special = false;  // dropped by skip_special_tokens

  friend bool operator==(added_token const&, added_token const&) = default;
};

/// Finds added tokens in text: the leftmost, and of those that start there the longest.
class added_token_matcher {
 public:
  struct match {
    std::size_t begin;
    std::size_t end;
    token_id id;
  };

  explicit added_token_matcher(std::vector<added_token> tokens = {}) : tokens_{std::move(tokens)} {
    // Groups of equal first byte, longest first: in a group the first token that fits is the match.
    std::sort(tokens_.begin(), tokens_.end(), [](added_token const& a, added_token const& b) {
      if (first_byte(a.content) != first_byte(b.content))
        return first_byte(a.content) < first_byte(b.content);
      if (a.content.size() != b.content.size()) return a.content.size() > b.content.size();
      return a.content < b.content;
    });
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      group& of_byte = groups_[first_byte(tokens_[i].content)];
      if (of_byte.begin == of_byte.end) of_byte.begin = i;
      of_byte.end = i + 1;
    }
    starts_with_one_byte_ =
        !tokens_.empty() && first_byte(tokens_.front().content) == first_byte(tokens_.back().content);
  }

  /// The first match that starts at or after `from`.
  std::optional<match> find(std::string_view text, std::size_t from) const noexcept {
    if (tokens_.empty()) return std::nullopt;
    for (std::size_t i = candidate(text, from); i < text.size(); i = candidate(text, i + 1)) {
      group const of_byte = groups_[static_cast<unsigned char>(text[i])];
      for (std::size_t k = of_byte.begin; k < of_byte.end; ++k) {
        std::string_view const content = tokens_[k].content;
        if (text.substr(i, content.size()) == content) return match{i, i + content.size(), tokens_[k].id};
      }
    }
    return std::nullopt;
  }

  /// The token of exactly this content.
  std::optional<token_id> find_by_name(std::string_view name) const noexcept {
    auto const found = std::find_if(tokens_.begin(), tokens_.end(),
                                    [&](added_token const& token) { return token.content == name; });
    if (found == tokens_.end()) return std::nullopt;
    return found->id;
  }

  /// All tokens, in no order that means anything to a user.
  std::vector<added_token> const& tokens() const noexcept { return tokens_; }

 private:
  struct group {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  static std::size_t first_byte(std::string_view content) noexcept {
    return static_cast<unsigned char>(content.front());
  }

  /// The first index from `i` on whose byte starts some token, or at least the size of the text.
  std::size_t candidate(std::string_view text, std::size_t i) const noexcept {
    if (starts_with_one_byte_) return text.find(tokens_.front().content.front(), i);
    while (i < text.size() && groups_[static_cast<unsigned char>(text[i])].end == 0) ++i;
    return i;
  }

  std::vector<added_token> tokens_;
  std::array<group, 256> groups_{};  // by first byte; end == 0: none
  bool starts_with_one_byte_ = false;
};

}  // namespace tenon
