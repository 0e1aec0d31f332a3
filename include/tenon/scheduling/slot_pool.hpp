// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// The slots that nobody has. The lowest goes first, so that device arrays indexed by slot stay dense.
class slot_pool {
 public:
  explicit slot_pool(std::int32_t slots) : words_((static_cast<std::size_t>(slots) + 63) / 64), free_{slots} {
    for (slot_id slot = 0; slot < slots; ++slot) word_of(slot) |= bit_of(slot);
  }

  std::int32_t free_slots() const noexcept { return free_; }

  /// The lowest free slot, or `no_slot`.
  slot_id lowest() const noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i)
      if (words_[i] != 0) return static_cast<slot_id>(i * 64) + std::countr_zero(words_[i]);
    return no_slot;
  }

  /// Needs a free slot.
  void take(slot_id slot) noexcept {
    word_of(slot) &= ~bit_of(slot);
    --free_;
  }

  /// Needs a slot that is taken.
  void give_back(slot_id slot) noexcept {
    word_of(slot) |= bit_of(slot);
    ++free_;
  }

 private:
  std::uint64_t& word_of(slot_id slot) noexcept { return words_[static_cast<std::size_t>(slot) / 64]; }
  static std::uint64_t bit_of(slot_id slot) noexcept {
    return std::uint64_t{1} << (static_cast<unsigned>(slot) % 64);
  }

  std::vector<std::uint64_t> words_;  // a set bit is a free slot
  std::int32_t free_;
};

}  // namespace tenon
