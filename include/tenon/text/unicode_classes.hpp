// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "tenon/text/unicode_class_ranges.hpp"

namespace tenon {

/// What the pre-tokenizer's pattern asks of a code point: `\p{L}`, `\p{N}`, `\s` or none of them.
enum class text_kind : std::uint8_t { other, letter, number, space };

/// What normalisation to NFC asks of a code point.
enum class normalisation_kind : std::uint8_t {
  inert,  // unchanged, and nothing moves or composes across its front or with it
  base,   // unchanged if alone, but a following mark may compose with it or with one of its parts
  mark,   // has a combining class, is unchanged if its run is in order
  check,  // may change: it decomposes, or composes with what stands before
};

/// Both kinds of every code point, frozen from the reference tokenizer (see unicode_class_ranges.hpp).
class unicode_classes {
 public:
  /// The one table, built on first use.
  static unicode_classes const& table() {
    static unicode_classes const built;
    return built;
  }

  text_kind text(char32_t c) const noexcept { return static_cast<text_kind>(value(c) & 3U); }
  normalisation_kind normalisation(char32_t c) const noexcept {
    return static_cast<normalisation_kind>(value(c) >> 2U);
  }

 private:
  static constexpr std::size_t size =
      unicode_detail::class_runs[std::size(unicode_detail::class_runs) - 1] >> 4;
  static_assert((unicode_detail::class_runs[std::size(unicode_detail::class_runs) - 1] & 15U) == 0,
                "the run that reaches to the last code point is other and inert");

  unicode_classes() {
    std::uint32_t const* run = unicode_detail::class_runs;
    for (; run + 1 != std::end(unicode_detail::class_runs); ++run) {
      std::fill(values_.begin() + (run[0] >> 4), values_.begin() + (run[1] >> 4),
                static_cast<std::uint8_t>(run[0] & 15U));
    }
  }

  std::uint8_t value(char32_t c) const noexcept { return c < size ? values_[c] : std::uint8_t{0}; }

  std::array<std::uint8_t, size> values_;  // a byte each: splitting and normalising are one load a code point
};

}  // namespace tenon
