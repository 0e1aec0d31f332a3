// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// Finds a page by what it holds: one page of ids that follows a known page, or begins a prompt in a scope.
///
/// Each entry's hash is chained from its parent's, so that it stands for the whole prefix; a match also needs
/// the same parent page, the same scope and equal ids, and therefore, by induction, the same whole prefix. A
/// parent must not be erased before its children. Nothing is allocated after construction.
class prefix_index {
 public:
  static constexpr page_id none = -1;

  prefix_index(std::int32_t pages, std::int32_t page_tokens)
      : page_tokens_{static_cast<std::size_t>(page_tokens)},
        buckets_(std::bit_ceil(2 * static_cast<std::size_t>(pages)), none),
        entries_(static_cast<std::size_t>(pages)),
        ids_(static_cast<std::size_t>(pages) * page_tokens_) {}

  bool contains(page_id page) const noexcept { return entry_of(page).used; }

  /// The page that holds `ids` after `parent` (`none`: at position 0), or `none`.
  page_id find(page_id parent, cache_scope scope, std::span<token_id const> ids) const noexcept {
    std::uint64_t const hash = hash_of(parent, scope, ids);
    for (page_id page = buckets_[bucket(hash)]; page != none; page = entry_of(page).next) {
      entry const& found = entry_of(page);
      if (found.hash == hash && found.parent == parent && found.scope == scope &&
          std::equal(ids.begin(), ids.end(), ids_of(page).begin()))
        return page;
    }
    return none;
  }

  /// Makes the page known. It must not be known yet, and `find` must not know its contents.
  void insert(page_id page, page_id parent, cache_scope scope, std::span<token_id const> ids) noexcept {
    std::uint64_t const hash = hash_of(parent, scope, ids);
    page_id& head = buckets_[bucket(hash)];
    entries_[static_cast<std::size_t>(page)] = {
        .hash = hash, .scope = scope, .parent = parent, .next = head, .used = true};
    head = page;
    std::copy(ids.begin(), ids.end(),
              ids_.begin() + static_cast<std::ptrdiff_t>(page) * static_cast<std::ptrdiff_t>(page_tokens_));
  }

  /// Forgets a known page.
  void erase(page_id page) noexcept {
    entry& gone = entries_[static_cast<std::size_t>(page)];
    page_id* link = &buckets_[bucket(gone.hash)];
    while (*link != page) link = &entries_[static_cast<std::size_t>(*link)].next;
    *link = gone.next;
    gone.used = false;
  }

 private:
  struct entry {
    std::uint64_t hash = 0;
    cache_scope scope{};
    page_id parent = none;
    page_id next = none;
    bool used = false;
  };

  /// The finishing step of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input reaches every bit.
  static constexpr std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
  }

  std::uint64_t hash_of(page_id parent, cache_scope scope, std::span<token_id const> ids) const noexcept {
    std::uint64_t hash =
        parent == none ? mix(static_cast<std::uint64_t>(scope) + 0x9e3779b97f4a7c15u) : entry_of(parent).hash;
    for (token_id const id : ids)
      hash = (std::rotl(hash, 23) ^ static_cast<std::uint32_t>(id)) * 0x9e3779b97f4a7c15u;
    return mix(hash);
  }

  std::size_t bucket(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(hash) & (buckets_.size() - 1);
  }
  entry const& entry_of(page_id page) const noexcept { return entries_[static_cast<std::size_t>(page)]; }
  std::span<token_id const> ids_of(page_id page) const noexcept {
    return {ids_.data() + static_cast<std::size_t>(page) * page_tokens_, page_tokens_};
  }

  std::size_t page_tokens_;
  std::vector<page_id> buckets_;  // first page of each chain; a power of two of them
  std::vector<entry> entries_;    // [pages]
  std::vector<token_id> ids_;     // [pages, page_tokens]
};

}  // namespace tenon
