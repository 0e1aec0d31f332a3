// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tenon/core/error.hpp"
#include "tenon/core/ids.hpp"

namespace tenon {

/// Who holds which page: a page table for every slot, a count of holders for every page, and the pages that
/// nobody needs.
///
/// A page without holders is not free by itself: its last holder's owner decides whether it is recycled or
/// kept for its contents. Everything is O(1) a page and nothing is allocated after construction.
class page_ledger {
 public:
  /// pages_per_slot: the longest page table. Throws options_error unless all three are positive.
  page_ledger(std::int32_t pages, std::int32_t slots, std::int32_t pages_per_slot)
      : pages_per_slot_{pages_per_slot} {
    if (pages <= 0 || slots <= 0 || pages_per_slot <= 0)
      throw options_error{"a page ledger needs at least 1 page, 1 slot and 1 page a slot, found " +
                          std::to_string(pages) + " pages, " + std::to_string(slots) + " slots and " +
                          std::to_string(pages_per_slot) + " pages a slot"};
    auto const size = [](std::int32_t count) { return static_cast<std::size_t>(count); };
    holders_.resize(size(pages));
    lengths_.resize(size(slots));
    tables_.resize(size(slots) * size(pages_per_slot));
    free_.resize(size(pages));
    for (std::size_t i = 0; i < free_.size(); ++i)  // lowest page first
      free_[i] = static_cast<page_id>(free_.size() - 1 - i);
  }

  std::int32_t total_pages() const noexcept { return static_cast<std::int32_t>(holders_.size()); }
  std::int32_t free_pages() const noexcept { return static_cast<std::int32_t>(free_.size()); }
  std::int32_t pages_per_slot() const noexcept { return pages_per_slot_; }

  /// How many page tables name the page.
  std::int32_t holders(page_id page) const noexcept { return holders_[static_cast<std::size_t>(page)]; }

  /// The slot's pages in order of position; valid until the slot's next change.
  std::span<page_id const> table(slot_id slot) const noexcept {
    return {tables_.data() + first(slot), static_cast<std::size_t>(length(slot))};
  }

  std::int32_t length(slot_id slot) const noexcept { return lengths_[static_cast<std::size_t>(slot)]; }

  /// Appends a free page to the slot's table. Needs free_pages() > 0 and a table that is not full.
  page_id append_free(slot_id slot) noexcept {
    page_id const page = free_.back();
    free_.pop_back();
    append_held(slot, page);
    return page;
  }

  /// Appends a page that holds something already, used by others or by nobody at the moment.
  void append_held(slot_id slot, page_id page) noexcept {
    tables_[first(slot) + static_cast<std::size_t>(length(slot))] = page;
    ++lengths_[static_cast<std::size_t>(slot)];
    ++holders_[static_cast<std::size_t>(page)];
  }

  /// Puts `page` in the place of the slot's page `index`, and returns the one that stood there.
  page_id replace(slot_id slot, std::int32_t index, page_id page) noexcept {
    page_id& place = tables_[first(slot) + static_cast<std::size_t>(index)];
    page_id const before = place;
    place = page;
    ++holders_[static_cast<std::size_t>(page)];
    --holders_[static_cast<std::size_t>(before)];
    return before;
  }

  /// Takes the last page off the slot's table and returns it. Needs a table that is not empty.
  page_id remove_last(slot_id slot) noexcept {
    auto& length = lengths_[static_cast<std::size_t>(slot)];
    --length;
    page_id const page = tables_[first(slot) + static_cast<std::size_t>(length)];
    --holders_[static_cast<std::size_t>(page)];
    return page;
  }

  /// Gives a page without holders back to the free ones: the next to be handed out.
  void recycle(page_id page) noexcept { free_.push_back(page); }  // never grows: room for all was made

 private:
  std::size_t first(slot_id slot) const noexcept {
    return static_cast<std::size_t>(slot) * static_cast<std::size_t>(pages_per_slot_);
  }

  std::int32_t pages_per_slot_;
  std::vector<std::int32_t> holders_;  // [pages]
  std::vector<std::int32_t> lengths_;  // [slots]
  std::vector<page_id> tables_;        // [slots, pages_per_slot]
  std::vector<page_id> free_;          // a stack
};

}  // namespace tenon
