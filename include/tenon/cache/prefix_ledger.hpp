// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tenon/cache/cache_policy.hpp"
#include "tenon/cache/page_ledger.hpp"
#include "tenon/cache/page_recency.hpp"
#include "tenon/cache/prefix_index.hpp"
#include "tenon/core/error.hpp"

namespace tenon {

/// The paged ledger that remembers prefixes: a page whose ids are known and final stays findable after its
/// last holder left, until its room is needed.
///
/// Rules that everything here rests on:
/// - Slots that share a page share all pages before it.
/// - A published page is immutable, and its contents are published once: who publishes the same ids after the
///   same prefix gets the known page in the place of its own, which becomes free. So `publish` may change
///   entries of `pages(slot)` within the published positions; steps planned before still read the old page
///   soundly, because steps run in order. A page that a fork shares stays, by the first rule: its slots
///   publish no further until one of them is left.
/// - Whoever holds a published page holds its whole prefix, and a slot lays its pages down from last to
///   first. So among the pages that nobody holds a child is always older than its parent, and giving up the
///   oldest first never leaves a page whose prefix is gone.
///
/// Everything is O(1) a page (a hash look-up of page_tokens ids where ids matter); only `fork` allocates.
class prefix_ledger {
 public:
  /// Throws options_error unless pages, page_tokens, slots and max_context are positive.
  explicit prefix_ledger(ledger_options const& options)
      : options_{checked(options)},
        pages_{options.pages, options.slots, pages_for(options.max_context)},
        idle_{options.pages},
        index_{options.prefix_caching ? options.pages : 0, options.page_tokens},
        published_(static_cast<std::size_t>(options.slots)) {}

  std::int32_t page_tokens() const noexcept { return options_.page_tokens; }

  /// Makes room for `tokens` positions of the slot in total, or changes nothing. Cached pages are given up
  /// for it, the one unused for longest first.
  bool reserve(slot_id slot, std::int32_t tokens) {
    std::int32_t const more = pages_for(tokens) - pages_.length(slot);
    if (tokens > options_.max_context || more > available()) return false;
    for (std::int32_t i = 0; i < more; ++i) append_new_page(slot);
    return true;
  }

  /// Gives back the positions from `tokens` on and returns how many positions the slot still holds: `tokens`,
  /// or the page boundary below where the last page is published or shared and so cannot be written again:
  /// the caller reserves anew and recomputes from there.
  std::int32_t truncate(slot_id slot, std::int32_t tokens) {
    while (pages_.length(slot) > pages_for(tokens)) drop_last_page(slot);
    std::int32_t const inside = tokens % page_tokens();
    if (inside == 0 || pages_.length(slot) < pages_for(tokens)) return tokens;
    page_id const last = pages_.table(slot).back();
    if (!is_published(last) && pages_.holders(last) == 1) return tokens;
    drop_last_page(slot);
    return tokens - inside;
  }

  /// Gives back everything; published pages stay findable.
  void release(slot_id slot) {
    while (pages_.length(slot) > 0) drop_last_page(slot);
  }

  bool can_ever_hold(std::int32_t tokens) const noexcept {
    return tokens <= options_.max_context && pages_for(tokens) <= pages_.total_pages();
  }

  cache_usage usage() const noexcept {
    std::int64_t const total = pages_.total_pages(), free = pages_.free_pages(), cached = idle_.size();
    return {.total = total, .free = free, .cached = cached, .held = total - free - cached};
  }

  /// Read it before the ledger's next change: `publish` may replace entries.
  std::span<page_id const> pages(slot_id slot) const noexcept { return pages_.table(slot); }

  /// Hands an empty slot the pages of the longest known prefix of `tokens`, whole pages and never the last
  /// position, and returns how many positions they cover.
  std::int32_t attach_prefix(slot_id slot, std::span<token_id const> tokens, cache_scope scope) {
    if (!options_.prefix_caching || tokens.empty()) return 0;
    std::int32_t const most =
        std::min(whole_pages(static_cast<std::int32_t>(tokens.size()) - 1), pages_.pages_per_slot());
    page_id parent = prefix_index::none;
    std::int32_t found = 0;
    for (; found < most; ++found) {
      page_id const page = index_.find(parent, scope, ids_of_page(tokens, found));
      if (page == prefix_index::none) break;
      hold(slot, page);
      parent = page;
    }
    published(slot) = found;
    return found * page_tokens();
  }

  /// Makes the whole pages within `tokens`, the slot's first ids, known to later calls. Their keys and values
  /// must be final: no later step writes them.
  void publish(slot_id slot, std::span<token_id const> tokens, cache_scope scope) {
    if (!options_.prefix_caching) return;
    std::int32_t const whole =
        std::min(whole_pages(static_cast<std::int32_t>(tokens.size())), pages_.length(slot));
    for (std::int32_t i = published(slot); i < whole; ++i) {
      page_id const parent =
          i == 0 ? prefix_index::none : pages_.table(slot)[static_cast<std::size_t>(i - 1)];
      if (!publish_page(slot, i, parent, scope, ids_of_page(tokens, i))) return;
      published(slot) = i + 1;
    }
  }

  /// Lets an empty slot share the parent's first `tokens` positions, all of them computed: whole pages are
  /// shared, a last partial page is copied into one of the child's own. Absent when there is no room for
  /// that page.
  std::optional<std::vector<page_copy>> fork(slot_id parent, slot_id child, std::int32_t tokens) {
    std::int32_t const whole = whole_pages(tokens);
    bool const partial = tokens % page_tokens() != 0;
    if (partial && available() == 0) return std::nullopt;
    for (std::int32_t i = 0; i < whole; ++i)
      pages_.append_held(child, pages_.table(parent)[static_cast<std::size_t>(i)]);
    published(child) = std::min(published(parent), whole);
    std::vector<page_copy> copies;
    if (partial) {
      append_new_page(child);
      copies.push_back({.from = pages_.table(parent)[static_cast<std::size_t>(whole)],
                        .to = pages_.table(child)[static_cast<std::size_t>(whole)]});
    }
    return copies;
  }

 private:
  static ledger_options const& checked(ledger_options const& options) {
    if (options.pages <= 0 || options.page_tokens <= 0 || options.slots <= 0 || options.max_context <= 0)
      throw options_error{
          "a paged cache needs positive pages, page_tokens, slots and max_context, found pages = " +
          std::to_string(options.pages) + ", page_tokens = " + std::to_string(options.page_tokens) +
          ", slots = " + std::to_string(options.slots) +
          ", max_context = " + std::to_string(options.max_context)};
    return options;
  }

  std::int32_t whole_pages(std::int32_t tokens) const noexcept { return tokens / page_tokens(); }
  std::int32_t pages_for(std::int32_t tokens) const noexcept {
    return tokens / page_tokens() + (tokens % page_tokens() != 0 ? 1 : 0);
  }
  std::int32_t available() const noexcept { return pages_.free_pages() + idle_.size(); }
  std::int32_t& published(slot_id slot) noexcept { return published_[static_cast<std::size_t>(slot)]; }
  bool is_published(page_id page) const noexcept { return options_.prefix_caching && index_.contains(page); }

  std::span<token_id const> ids_of_page(std::span<token_id const> tokens, std::int32_t index) const noexcept {
    auto const width = static_cast<std::size_t>(page_tokens());
    return tokens.subspan(static_cast<std::size_t>(index) * width, width);
  }

  /// Needs available() > 0.
  void append_new_page(slot_id slot) noexcept {
    if (pages_.free_pages() == 0) {
      page_id const given_up = idle_.oldest();
      idle_.remove(given_up);
      index_.erase(given_up);
      pages_.recycle(given_up);
    }
    pages_.append_free(slot);
  }

  void hold(slot_id slot, page_id page) noexcept {
    if (idle_.contains(page)) idle_.remove(page);
    pages_.append_held(slot, page);
  }

  void put_down(page_id page) noexcept {
    if (pages_.holders(page) > 0) return;
    if (is_published(page))
      idle_.put_newest(page);
    else
      pages_.recycle(page);
  }

  void drop_last_page(slot_id slot) noexcept {
    put_down(pages_.remove_last(slot));
    published(slot) = std::min(published(slot), pages_.length(slot));
  }

  /// False when the contents are known already and the slot's own page cannot give way, being shared.
  bool publish_page(slot_id slot, std::int32_t index, page_id parent, cache_scope scope,
                    std::span<token_id const> ids) noexcept {
    page_id const own = pages_.table(slot)[static_cast<std::size_t>(index)];
    page_id const known = index_.find(parent, scope, ids);
    if (known == own) return true;
    if (known == prefix_index::none) {
      index_.insert(own, parent, scope, ids);
      return true;
    }
    if (pages_.holders(own) > 1) return false;
    if (idle_.contains(known)) idle_.remove(known);
    put_down(pages_.replace(slot, index, known));
    return true;
  }

  ledger_options options_;
  page_ledger pages_;
  page_recency idle_;                    // published pages without holders
  prefix_index index_;                   // published pages
  std::vector<std::int32_t> published_;  // [slots], leading pages of the table that are published
};

static_assert(is_cache_ledger<prefix_ledger>);

}  // namespace tenon
