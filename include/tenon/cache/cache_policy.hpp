// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// Pages by who holds them. total == free + cached + held at every moment; at idle held == 0.
struct cache_usage {
  std::int64_t total = 0;
  std::int64_t free = 0;    ///< hold nothing
  std::int64_t cached = 0;  ///< hold a known prefix that no sequence uses; given up when room is needed
  std::int64_t held = 0;    ///< used by at least one sequence

  friend bool operator==(cache_usage const&, cache_usage const&) = default;
};

/// What a ledger must know when it is made. A page of `page_tokens` positions is its unit.
struct ledger_options {
  std::int32_t pages = 0;
  std::int32_t page_tokens = 16;
  std::int32_t slots = 0;        ///< sequences that can hold pages at one time
  std::int32_t max_context = 0;  ///< positions of one sequence at most
  bool prefix_caching = true;
};

namespace requirement {

/// All or nothing: `reserve` either makes room for `tokens` positions of the slot in total, or changes
/// nothing.
template <class L>
concept grows_and_shrinks = requires(L& ledger, L const& fixed, slot_id slot, std::int32_t tokens) {
  { ledger.reserve(slot, tokens) } -> std::same_as<bool>;
  { ledger.truncate(slot, tokens) };  // gives back the positions from `tokens` on
  { ledger.release(slot) };           // gives back everything
  {
    fixed.can_ever_hold(tokens)
  } -> std::same_as<bool>;  // one sequence of that length, with nothing else running
  { fixed.usage() } -> std::same_as<cache_usage>;
  { fixed.pages(slot) } -> std::same_as<std::span<page_id const>>;
};

/// `attach_prefix` hands an empty slot the cached pages of the longest known prefix of `tokens`, whole pages
/// and never the last position, and returns how many positions they cover. `publish` makes the whole pages
/// within `tokens`, whose keys and values are final, known to later calls. Ids are compared, not only hashes.
template <class L>
concept remembers_prefixes =
    requires(L& ledger, slot_id slot, std::span<token_id const> tokens, cache_scope scope) {
      { ledger.attach_prefix(slot, tokens, scope) } -> std::same_as<std::int32_t>;
      { ledger.publish(slot, tokens, scope) };
    };

/// `fork` lets an empty slot share the parent's first `tokens` positions: whole pages are shared, a last
/// partial page is copied. Absent when there is no room; the copies must run before either sequence's next
/// step.
template <class L>
concept shares_pages = requires(L& ledger, slot_id parent, slot_id child, std::int32_t tokens) {
  { ledger.fork(parent, child, tokens) } -> std::same_as<std::optional<std::vector<page_copy>>>;
};

}  // namespace requirement

/// The host's book of who holds which part of the cache. Schedulers see this and never a device.
template <class L>
concept cache_ledger =
    requirement::grows_and_shrinks<L> && requirement::remembers_prefixes<L> && requirement::shares_pages<L>;

/// The least `ledger_options` say: constructible from them.
template <class L>
inline constexpr bool is_cache_ledger = cache_ledger<L> && std::constructible_from<L, ledger_options>;

namespace requirement {

template <class C>
concept names_a_ledger = is_cache_ledger<typename C::ledger>;

/// How many positions a page holds in an engine with that longest context, and how many pages can be of use.
template <class C>
concept says_its_pages = requires(std::int32_t max_context, std::int32_t max_rows, std::int64_t affordable) {
  { C::page_tokens(max_context) } -> std::same_as<std::int32_t>;
  { C::useful_pages(max_rows, affordable) } -> std::same_as<std::int64_t>;
  { C::name } -> std::convertible_to<std::string_view>;
};

/// Device memory of one page with all its layers, and the view that kernels take over `memory`.
template <class C, class M, class P>
concept views_device_memory = requires(std::byte* memory, std::int32_t page_tokens) {
  { C::template page_bytes<M, P>(page_tokens) } -> std::same_as<std::size_t>;
  { C::template make_view<M, P>(memory, page_tokens) } -> std::same_as<typename C::template view<M, P>>;
};

}  // namespace requirement

/// Where keys and values live: the host's ledger, and the device's memory as kernels see it, for model M and
/// precision P.
template <class C, class M, class P>
concept cache_policy = requirement::names_a_ledger<C> && requirement::says_its_pages<C> &&
                       requirement::views_device_memory<C, M, P>;

template <class C, class M, class P>
  requires cache_policy<C, M, P>
inline constexpr bool is_cache_policy = true;

}  // namespace tenon
