// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "conformance/random_run.hpp"
#include "conformance/simulated_device.hpp"
#include "tenon/cache/cache_policy.hpp"

namespace tenon::conformance {

/// Random calls to a ledger, mirrored by cells that remember what was written where: whatever the ledger
/// shares, copies, forgets and gives away, every slot must read back its own ids.
template <class Ledger>
  requires is_cache_ledger<Ledger>
class random_ledger_use {
 public:
  explicit random_ledger_use(std::uint64_t seed)
      : random_{seed},
        options_{draw_options()},
        ledger_{options_},
        slots_(static_cast<std::size_t>(options_.slots)) {
    cells_.resize(static_cast<std::size_t>(ledger_.usage().total) * width(), -1);
  }

  void run(std::int32_t calls) {
    for (std::int32_t i = 0; i < calls; ++i) {
      one_call();
      check_usage();
    }
    for (slot_id slot = 0; slot < options_.slots; ++slot) ledger_.release(slot);
    require(ledger_.usage().held == 0, "when every slot is released nothing is held");
    require(ledger_.can_ever_hold(1) && !ledger_.can_ever_hold(options_.max_context + 1),
            "can_ever_hold knows the context");
  }

 private:
  struct slot_state {
    std::vector<token_id> ids;  // written so far
    cache_scope scope{};
    bool used = false;
  };

  std::int32_t draw(std::int32_t low, std::int32_t high) {
    return low + static_cast<std::int32_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
  }

  ledger_options draw_options() {
    ledger_options drawn;
    drawn.page_tokens = draw(1, 4);
    drawn.slots = draw(1, 5);
    drawn.max_context = draw(4, 20);
    drawn.pages = std::max(drawn.slots, draw(2, 24));
    drawn.prefix_caching = draw(0, 4) > 0;
    return drawn;
  }

  std::size_t width() const { return static_cast<std::size_t>(ledger_.page_tokens()); }

  slot_state& state(slot_id slot) { return slots_[static_cast<std::size_t>(slot)]; }
  static std::int32_t size(slot_state const& slot) { return static_cast<std::int32_t>(slot.ids.size()); }

  token_id& cell(slot_id slot, std::size_t position) {
    auto const page = static_cast<std::size_t>(ledger_.pages(slot)[position / width()]);
    return cells_[page * width() + position % width()];
  }

  void one_call() {
    slot_id const slot = draw(0, options_.slots - 1);
    if (!state(slot).used) {
      if (draw(0, 3) == 0 && fork_from_any(slot)) return;
      return begin(slot);
    }
    switch (draw(0, 9)) {
      case 0:
        return release(slot);
      case 1:
        return truncate(slot);
      case 2:
      case 3:
        return publish(slot);
      default:
        return write(slot);
    }
  }

  void begin(slot_id slot) {
    slot_state& now = state(slot);
    now.scope = cache_scope{static_cast<std::uint64_t>(draw(0, 1))};
    std::vector<token_id> prompt;
    for (std::int32_t i = draw(1, options_.max_context); i > 0; --i) prompt.push_back(draw(0, 5) / 5);
    std::int32_t const covered = ledger_.attach_prefix(slot, prompt, now.scope);
    require(covered >= 0 && covered < static_cast<std::int32_t>(prompt.size()),
            "the last position is never attached");
    require(static_cast<std::size_t>(covered) % width() == 0, "whole pages are attached");
    require(ledger_.pages(slot).size() * width() == static_cast<std::size_t>(covered),
            "a prefix comes with its pages");
    prompt.resize(static_cast<std::size_t>(covered));
    now.ids = std::move(prompt);
    now.used = true;
    check_reads();
  }

  void write(slot_id slot) {
    slot_state& now = state(slot);
    std::int32_t const more = draw(1, 4), before = size(now);
    cache_usage const usage = ledger_.usage();
    std::vector<page_id> const pages(ledger_.pages(slot).begin(), ledger_.pages(slot).end());
    if (!ledger_.reserve(slot, before + more)) {
      require(std::ranges::equal(ledger_.pages(slot), pages) && ledger_.usage() == usage,
              "a refusal changes nothing");
      std::size_t const needed = (now.ids.size() + static_cast<std::size_t>(more) + width() - 1) / width();
      bool const room = static_cast<std::int64_t>(needed - pages.size()) <= usage.free + usage.cached;
      require(before + more > options_.max_context || !room, "room is refused only where there is none");
      return;
    }
    for (std::int32_t i = 0; i < more; ++i) {
      now.ids.push_back(draw(0, 5) / 5);
      cell(slot, now.ids.size() - 1) = now.ids.back();
    }
    check_reads();
  }

  void publish(slot_id slot) {
    slot_state& now = state(slot);
    ledger_.publish(slot, now.ids, now.scope);
    check_reads();
  }

  void truncate(slot_id slot) {
    slot_state& now = state(slot);
    std::int32_t const keep = draw(0, size(now));
    std::int32_t kept = keep;
    if constexpr (requires {
                    { ledger_.truncate(slot, keep) } -> std::same_as<std::int32_t>;
                  })
      kept = ledger_.truncate(slot, keep);
    else
      ledger_.truncate(slot, keep);
    require(kept >= 0 && kept <= keep, "truncate keeps no more than asked");
    now.ids.resize(static_cast<std::size_t>(kept));
    require(ledger_.pages(slot).size() * width() < now.ids.size() + width(),
            "no page beyond the last position is kept");
    check_reads();
  }

  void release(slot_id slot) {
    ledger_.release(slot);
    require(ledger_.pages(slot).empty(), "a released slot has no pages");
    state(slot) = {};
  }

  bool fork_from_any(slot_id child) {
    slot_id const parent = draw(0, options_.slots - 1);
    if (parent == child || state(parent).ids.empty()) return false;
    std::int32_t const tokens = draw(1, size(state(parent)));
    cache_usage const usage = ledger_.usage();
    auto const copies = ledger_.fork(parent, child, tokens);
    if (!copies) {
      require(ledger_.usage() == usage && ledger_.pages(child).empty(), "a refused fork changes nothing");
      return true;
    }
    for (page_copy const& copy : *copies) copy_page(copy);
    state(child) = state(parent);
    state(child).ids.resize(static_cast<std::size_t>(tokens));
    check_reads();
    return true;
  }

  void copy_page(page_copy const& copy) {
    for (std::size_t i = 0; i < width(); ++i)
      cells_[static_cast<std::size_t>(copy.to) * width() + i] =
          cells_[static_cast<std::size_t>(copy.from) * width() + i];
  }

  void check_reads() {
    for (slot_id slot = 0; slot < options_.slots; ++slot)
      for (std::size_t i = 0; i < state(slot).ids.size(); ++i)
        require(cell(slot, i) == state(slot).ids[i], "every slot reads back what was written for it");
  }

  void check_usage() {
    cache_usage const usage = ledger_.usage();
    require(usage.total == usage.free + usage.cached + usage.held, "total == free + cached + held");
    require(usage.free >= 0 && usage.cached >= 0 && usage.held >= 0, "no count of pages is negative");
    std::set<page_id> held;
    for (slot_id slot = 0; slot < options_.slots; ++slot)
      held.insert(ledger_.pages(slot).begin(), ledger_.pages(slot).end());
    require(static_cast<std::int64_t>(held.size()) == usage.held, "held counts the pages in page tables");
  }

  std::mt19937_64 random_;
  ledger_options options_;
  Ledger ledger_;
  std::vector<slot_state> slots_;
  std::vector<token_id> cells_;  // [pages, page_tokens]
};

/// Runs random uses of a ledger; a failure names its seed.
template <class Ledger> void check_cache_ledger(std::int64_t runs = 2000) {
  static_assert(is_cache_ledger<Ledger>);
  std::uint64_t const first = seed_of_this_run();
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << first << ", runs: " << scaled(runs));
  for (std::uint64_t seed = first; seed < first + static_cast<std::uint64_t>(scaled(runs)); ++seed) {
    try {
      random_ledger_use<Ledger>{seed}.run(100);
    } catch (std::exception const& broken) {
      BOOST_ERROR("run " << seed << " (set TENON_TEST_SEED to it) breaks: " << broken.what());
      return;
    }
  }
  BOOST_TEST(true);
}

}  // namespace tenon::conformance
