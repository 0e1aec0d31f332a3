// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// What merging two neighbouring tokens gives, as one number that orders merges by their rank: the smaller
/// goes first.
class merge {
 public:
  constexpr merge() = default;
  constexpr merge(std::uint32_t rank, token_id merged) noexcept
      : bits_{std::uint64_t{rank} << 32 | static_cast<std::uint32_t>(merged)} {}

  /// Whether the pair merges at all; `merge{}` does not.
  constexpr bool exists() const noexcept { return bits_ != none; }
  constexpr std::uint32_t rank() const noexcept { return static_cast<std::uint32_t>(bits_ >> 32); }
  constexpr token_id merged() const noexcept { return static_cast<token_id>(bits_ & 0xFFFFFFFFU); }

  friend constexpr bool operator==(merge, merge) = default;
  friend constexpr auto operator<=>(merge, merge) = default;

 private:
  static constexpr std::uint64_t none = ~std::uint64_t{0};
  std::uint64_t bits_ = none;
};

/// The merges of a byte-pair encoding: (left, right) to merge, by open addressing.
///
/// Most pairs that a text asks for do not merge. A byte of each key's hash stands in a table of its own,
/// which stays in a core's cache, so that such a question seldom touches the keys.
class merge_table {
 public:
  explicit merge_table(std::size_t merges = 0)
      : marks_(std::bit_ceil(merges + merges / 2 + 2)),
        slots_(marks_.size()),
        shift_{static_cast<unsigned>(65 - std::bit_width(marks_.size()))} {}

  /// False if the pair has a merge already. At most as many as the constructor was told.
  bool insert(token_id left, token_id right, merge value) noexcept {
    std::uint64_t const key = key_of(left, right);
    std::uint64_t const hashed = hash(key);
    std::size_t i = start(hashed);
    for (; marks_[i] != free; i = next(i)) {
      if (slots_[i].key == key) return false;
    }
    marks_[i] = mark(hashed);
    slots_[i] = {key, value};
    return true;
  }

  merge find(token_id left, token_id right) const noexcept {
    std::uint64_t const key = key_of(left, right);
    std::uint64_t const hashed = hash(key);
    for (std::size_t i = start(hashed); marks_[i] != free; i = next(i)) {
      if (marks_[i] == mark(hashed) && slots_[i].key == key) return slots_[i].value;
    }
    return {};
  }

 private:
  struct slot {
    std::uint64_t key = 0;
    merge value;
  };

  static constexpr std::uint8_t free = 0;

  static std::uint64_t key_of(token_id left, token_id right) noexcept {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }
  static std::uint64_t hash(std::uint64_t key) noexcept {
    return (key ^ key >> 29) * 0x9E3779B97F4A7C15U;  // 2^64 / golden ratio
  }
  static std::uint8_t mark(std::uint64_t hashed) noexcept {
    return static_cast<std::uint8_t>((hashed >> 24 & 0xFF) | 1U);
  }
  std::size_t start(std::uint64_t hashed) const noexcept {
    return static_cast<std::size_t>(hashed >> shift_);
  }
  std::size_t next(std::size_t i) const noexcept { return (i + 1) & (marks_.size() - 1); }

  std::vector<std::uint8_t> marks_;  // a power of two, at least 2 and never full
  std::vector<slot> slots_;          // parallel to marks_
  unsigned shift_;
};

}  // namespace tenon
