// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/core/error.hpp"

namespace tenon {

/// Ends a text at the first of several stop strings while it streams in.
///
/// The match is the one that is complete first; of several complete at the same byte, the longest. The text
/// before it does not depend on how the stream was cut: what may still become a stop string is held back. One
/// comparison a byte and stop string on average (Knuth, Morris, Pratt), whatever the text.
class stop_matcher {
 public:
  static constexpr std::size_t max_stops = 4;  // OpenAI's limit

  /// include_stop: the stop string stays in the text.
  /// Throws request_error for an empty stop string or more than max_stops of them.
  explicit stop_matcher(std::vector<std::string> stops, bool include_stop = false)
      : include_stop_{include_stop} {
    if (stops.size() > max_stops) {
      throw request_error{"stop", "invalid_value",
                          "stop: expected at most " + std::to_string(max_stops) + " strings, found " +
                              std::to_string(stops.size())};
    }
    patterns_.reserve(stops.size());
    for (auto& stop : stops) {
      if (stop.empty()) {
        auto const path = "stop[" + std::to_string(patterns_.size()) + "]";
        throw request_error{path, "invalid_value", path + ": expected a string that is not empty"};
      }
      auto borders = border_lengths(stop);
      patterns_.push_back({std::move(stop), std::move(borders), 0});
    }
  }

  /// Takes more text, whole UTF-8, and gives what is certain to come before any stop string. Nothing comes
  /// after a match.
  std::string push(std::string_view text) {
    if (matched_) return {};
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (!advance(text[i])) continue;
      held_ += text.substr(0, i + 1);
      if (!include_stop_) held_.resize(held_.size() - patterns_[*matched_].text.size());
      return std::exchange(held_, {});
    }
    held_ += text;
    auto const certain = held_.size() - (include_stop_ ? 0 : longest_prefix());
    auto rest = held_.substr(certain);
    held_.resize(certain);
    return std::exchange(held_, std::move(rest));
  }

  /// Ends the text and gives what was held back, which completed no stop string.
  std::string flush() { return std::exchange(held_, {}); }

  bool stopped() const noexcept { return matched_.has_value(); }

  /// Which of the constructor's stop strings ended the text.
  std::optional<std::size_t> matched() const noexcept { return matched_; }

 private:
  struct pattern {
    std::string text;
    std::vector<std::size_t> borders;
    std::size_t seen;  // bytes of `text` that the stream ends with
  };

  /// For each prefix of `text`, the length of its longest proper prefix that is also its suffix.
  static std::vector<std::size_t> border_lengths(std::string_view text) {
    std::vector<std::size_t> borders(text.size(), 0);
    for (std::size_t i = 1, length = 0; i < text.size(); ++i) {
      while (length > 0 && text[i] != text[length]) length = borders[length - 1];
      if (text[i] == text[length]) ++length;
      borders[i] = length;
    }
    return borders;
  }

  /// One byte of the stream; true if it completed a stop string.
  bool advance(char byte) {
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      auto& each = patterns_[i];
      while (each.seen > 0 && each.text[each.seen] != byte) each.seen = each.borders[each.seen - 1];
      if (each.text[each.seen] == byte) ++each.seen;
      if (each.seen < each.text.size()) continue;
      if (!matched_ || each.text.size() > patterns_[*matched_].text.size()) matched_ = i;
      each.seen = each.borders.back();
    }
    return matched_.has_value();
  }

  std::size_t longest_prefix() const noexcept {
    std::size_t longest = 0;
    for (auto const& each : patterns_) longest = std::max(longest, each.seen);
    return longest;
  }

  std::vector<pattern> patterns_;
  bool include_stop_;
  std::optional<std::size_t> matched_;
  std::string held_;
};

}  // namespace tenon
