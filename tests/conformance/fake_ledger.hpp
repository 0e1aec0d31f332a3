// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tenon/cache/cache_policy.hpp"

namespace tenon::conformance {

/// The plainest ledger that keeps the contract: private pages, no prefixes, a fork copies everything. Written
/// for being obviously right, so that a scheduler is tested without trusting tenon's ledgers.
class fake_ledger {
 public:
  explicit fake_ledger(ledger_options const& options)
      : options_{options}, tables_(static_cast<std::size_t>(options.slots)) {
    for (page_id page = options.pages; page > 0; --page) free_.push_back(page - 1);
  }

  std::int32_t page_tokens() const { return options_.page_tokens; }

  bool reserve(slot_id slot, std::int32_t tokens) {
    auto const needed = pages_for(tokens), has = table(slot).size();
    if (tokens > options_.max_context || (needed > has && needed - has > free_.size())) return false;
    while (table(slot).size() < needed) {
      table(slot).push_back(free_.back());
      free_.pop_back();
    }
    return true;
  }

  std::int32_t truncate(slot_id slot, std::int32_t tokens) {
    while (table(slot).size() > pages_for(tokens)) {
      free_.push_back(table(slot).back());
      table(slot).pop_back();
    }
    return tokens;
  }

  void release(slot_id slot) { truncate(slot, 0); }

  bool can_ever_hold(std::int32_t tokens) const {
    return tokens <= options_.max_context && pages_for(tokens) <= static_cast<std::size_t>(options_.pages);
  }

  cache_usage usage() const {
    auto const free = static_cast<std::int64_t>(free_.size());
    return {.total = options_.pages, .free = free, .cached = 0, .held = options_.pages - free};
  }

  std::span<page_id const> pages(slot_id slot) const { return tables_[static_cast<std::size_t>(slot)]; }

  std::int32_t attach_prefix(slot_id, std::span<token_id const>, cache_scope) { return 0; }
  void publish(slot_id, std::span<token_id const>, cache_scope) {}

  std::optional<std::vector<page_copy>> fork(slot_id parent, slot_id child, std::int32_t tokens) {
    if (!reserve(child, tokens)) return std::nullopt;
    std::vector<page_copy> copies;
    for (std::size_t i = 0; i < table(child).size(); ++i)
      copies.push_back({.from = table(parent)[i], .to = table(child)[i]});
    return copies;
  }

 private:
  std::vector<page_id>& table(slot_id slot) { return tables_[static_cast<std::size_t>(slot)]; }
  std::size_t pages_for(std::int32_t tokens) const {
    return static_cast<std::size_t>((tokens + options_.page_tokens - 1) / options_.page_tokens);
  }

  ledger_options options_;
  std::vector<std::vector<page_id>> tables_;  // [slots]
  std::vector<page_id> free_;
};

}  // namespace tenon::conformance
