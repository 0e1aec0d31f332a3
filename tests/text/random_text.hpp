// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>

#include "tenon/text/utf8.hpp"

namespace tenon::tests {

/// Text to try things on: letters of many scripts, spaces, line breaks, marks, symbols, added tokens, any
/// code point. The seed is TENON_TEST_SEED; counts are scaled by TENON_TEST_SCALE, which sanitizers set
/// below 1.
class random_text {
 public:
  static std::uint64_t seed() {
    char const* const text = std::getenv("TENON_TEST_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 20261121;
  }

  static std::size_t scaled(std::size_t count) {
    char const* const text = std::getenv("TENON_TEST_SCALE");
    double const scale = text != nullptr ? std::strtod(text, nullptr) : 1;
    return 1 + static_cast<std::size_t>(static_cast<double>(count) * scale);
  }

  /// 0 to end - 1.
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>{0, end - 1}(engine_);
  }

  std::string_view one_of(std::initializer_list<std::string_view> texts) {
    return texts.begin()[below(texts.size())];
  }

  char32_t code_point() {
    constexpr char32_t ranges[][2] = {
        {0x20, 0x7E},       {0x20, 0x7E},     {0x20, 0x7E},     {0x9, 0xD},       {0x80, 0x24F},
        {0x300, 0x36F},     {0x370, 0x5FF},   {0x600, 0x6FF},   {0x900, 0xDFF},   {0xE00, 0x11FF},
        {0x1E00, 0x1FFF},   {0x2000, 0x206F}, {0x3040, 0x30FF}, {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3},
        {0x1F300, 0x1F64F}, {0, 0x3000},      {0, 0xD7FF},      {0xE000, 0xFFFF}, {0x10000, 0x10FFFF}};
    auto const& range = ranges[below(std::size(ranges))];
    return range[0] + static_cast<char32_t>(below(range[1] - range[0] + 1));
  }

  /// Well-formed UTF-8 of up to `most` pieces.
  std::string text(std::size_t most) {
    std::string result;
    for (std::size_t left = below(most + 1); left > 0; --left) append_piece(result);
    return result;
  }

  std::string bytes(std::size_t most) {
    std::string result(below(most + 1), '\0');
    for (char& byte : result) byte = static_cast<char>(below(256));
    return result;
  }

 private:
  void append_piece(std::string& out) {
    switch (below(8)) {
      case 0:
        out += one_of({" ", "  ", "\n", "\n\n", "\r\n", "\t", "\xC2\xA0", "\xE2\x80\x89", "\xE3\x80\x80"});
        break;
      case 1:
        out += one_of({"'s", "'T", "'re", "'VE", "'ll", "'Lx", "'\xC5\xBF", "''d", "'"});
        break;
      case 2:
        out += one_of({"hello", " world", "wo", "rl", "ll", "he", "o", "7", "42"});
        break;
      case 3:
        out += one_of({"<|end|>", "<|end", "<think>", "[x]", "<|", "|>", "<", "[x", "e\xCC\x81", "\xCC\xB8"});
        break;
      default:
        utf8::append(out, code_point());
    }
  }

  std::mt19937_64 engine_{seed()};
};

}  // namespace tenon::tests
