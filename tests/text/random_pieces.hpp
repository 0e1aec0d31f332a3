// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon_test {

/// The seed of random tests: TENON_TEST_SEED, or one from the machine. Tests print it.
inline std::uint64_t seed() {
  if (auto const* text = std::getenv("TENON_TEST_SEED")) return std::strtoull(text, nullptr, 10);
  static std::uint64_t const drawn = std::random_device{}();
  return drawn;
}

/// `count` random cases, fewer where TENON_TEST_SCALE says so.
inline std::size_t scaled(std::size_t count) {
  auto const* text = std::getenv("TENON_TEST_SCALE");
  auto const scale = text == nullptr ? 1.0 : std::clamp(std::strtod(text, nullptr), 0.0, 1.0);
  return std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(count) * scale));
}

/// Texts put together from given pieces, so that markers and their fragments meet often.
class piece_generator {
 public:
  explicit piece_generator(std::uint64_t seed) : random_{seed} {}

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random_);
  }

  std::string text(std::span<std::string_view const> pieces, std::size_t longest) {
    std::string out;
    for (auto left = below(longest + 1); left > 0; --left) out += pieces[below(pieces.size())];
    return out;
  }

  /// `text` in consecutive pieces of random length; some are empty.
  std::vector<std::string_view> cuts(std::string_view text) {
    auto const longest = 1 + below(8);
    std::vector<std::string_view> result;
    while (!text.empty()) {
      auto const length = std::min(text.size(), below(longest + 1));
      result.push_back(text.substr(0, length));
      text.remove_prefix(length);
    }
    return result;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace tenon_test
