// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/core/error.hpp"

namespace tenon {

/// The ledger without pages: every slot owns one region of max_context positions, whatever it holds.
///
/// In the words of pages: page_tokens == max_context, there are as many pages as slots, and a slot's one page
/// is itself. It wastes the room that short sequences leave, shares nothing and remembers nothing: the plain
/// thing to compare with.
class contiguous_ledger {
 public:
  /// Reads `slots` and `max_context`; throws options_error unless they are positive, and unless `pages`,
  /// where it is given, covers the slots.
  explicit contiguous_ledger(ledger_options const& options) : max_context_{options.max_context} {
    if (options.slots <= 0 || options.max_context <= 0)
      throw options_error{"a contiguous cache needs positive slots and max_context, found slots = " +
                          std::to_string(options.slots) +
                          ", max_context = " + std::to_string(options.max_context)};
    if (options.pages != 0 && options.pages < options.slots)
      throw options_error{"a contiguous cache needs a region for each of its " +
                          std::to_string(options.slots) + " slots, found room for " +
                          std::to_string(options.pages)};
    regions_.resize(static_cast<std::size_t>(options.slots));
    std::iota(regions_.begin(), regions_.end(), page_id{0});
    held_.resize(regions_.size());
  }

  std::int32_t page_tokens() const noexcept { return max_context_; }

  bool reserve(slot_id slot, std::int32_t tokens) noexcept {
    if (tokens > max_context_) return false;
    if (tokens > 0) take(slot);
    return true;
  }

  /// Gives back the region when nothing of it is kept. Returns `tokens`: they can be written again.
  std::int32_t truncate(slot_id slot, std::int32_t tokens) noexcept {
    if (tokens == 0) release(slot);
    return tokens;
  }

  void release(slot_id slot) noexcept {
    auto& held = held_[static_cast<std::size_t>(slot)];
    if (held) --held_count_;
    held = false;
  }

  bool can_ever_hold(std::int32_t tokens) const noexcept { return tokens <= max_context_; }

  cache_usage usage() const noexcept {
    auto const total = static_cast<std::int64_t>(regions_.size());
    return {.total = total, .free = total - held_count_, .cached = 0, .held = held_count_};
  }

  std::span<page_id const> pages(slot_id slot) const noexcept {
    auto const index = static_cast<std::size_t>(slot);
    return {regions_.data() + index, held_[index] ? 1u : 0u};
  }

  std::int32_t attach_prefix(slot_id, std::span<token_id const>, cache_scope) const noexcept { return 0; }
  void publish(slot_id, std::span<token_id const>, cache_scope) const noexcept {}

  /// Copies the parent's whole region into the child's; never absent.
  std::optional<std::vector<page_copy>> fork(slot_id parent, slot_id child, std::int32_t tokens) {
    std::vector<page_copy> copies;
    if (tokens > 0) {
      take(child);
      copies.push_back({.from = parent, .to = child});
    }
    return copies;
  }

 private:
  void take(slot_id slot) noexcept {
    auto& held = held_[static_cast<std::size_t>(slot)];
    if (!held) ++held_count_;
    held = true;
  }

  std::int32_t max_context_;
  std::int64_t held_count_ = 0;
  std::vector<page_id> regions_;    // [slots], 0, 1, 2, …: what `pages` points into
  std::vector<std::uint8_t> held_;  // [slots]
};

static_assert(is_cache_ledger<contiguous_ledger>);

}  // namespace tenon
