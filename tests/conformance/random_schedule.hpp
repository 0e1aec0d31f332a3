// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "conformance/simulated_device.hpp"
#include "tenon/cache/cache_policy.hpp"
#include "tenon/scheduling/scheduler_policy.hpp"
#include "tenon/work/event.hpp"
#include "tenon/work/sequence.hpp"
#include "tenon/work/step.hpp"

namespace tenon::conformance {

/// What a scheduler promises beyond the concept; a scheduler with another idea of order says so.
struct scheduler_promises {
  bool first_in_first_out = true;  ///< requests of one priority start in order of submission
  std::int32_t ageing_steps = 0;   ///< > 0: nobody is passed by somebody with a later turn (see ticket.hpp)
};

/// Everything about one random schedule that is drawn before it starts.
struct schedule_setting {
  scheduler_limits limits;
  ledger_options cache;
  std::int32_t depth = 1;
  std::int32_t requests = 0;
  std::uint32_t vocabulary = 0;
  std::int32_t cancel_percent = 0;
};

/// One random schedule against a simulated device: submits, cancels, plans, runs and commits, and throws
/// broken_promise at the first thing that is not as the concepts say.
template <class Scheduler, class Ledger>
  requires tenon::scheduler_policy<Scheduler, Ledger>
class random_schedule {
 public:
  random_schedule(std::uint64_t seed, scheduler_promises promises)
      : random_{seed},
        promises_{promises},
        setting_{draw_setting()},
        scheduler_{setting_.limits},
        ledger_{setting_.cache},
        device_{ledger_.usage().total, ledger_.page_tokens(), setting_.cache.slots},
        slot_owner_(static_cast<std::size_t>(setting_.cache.slots)) {}

  /// Runs to the end; returns how many steps it took.
  std::uint64_t run() {
    std::int32_t to_submit = setting_.requests;
    for (std::int32_t turns = 0; to_submit > 0 || !scheduler_.idle() || !in_flight_.empty(); ++turns) {
      require(turns < 20000, "every schedule ends");
      if (to_submit > 0 && (chance(30) || scheduler_.idle())) submit(), --to_submit;
      if (chance(setting_.cancel_percent)) cancel_one();
      bool planned = false;
      if (static_cast<std::int32_t>(in_flight_.size()) < setting_.depth) planned = plan();
      if (!planned || static_cast<std::int32_t>(in_flight_.size()) >= setting_.depth) {
        bool const stuck = !planned && in_flight_.empty() && !scheduler_.idle();
        require(!stuck, "something can always be planned or committed until all is done");
        if (!in_flight_.empty()) commit();
      }
    }
    check_end();
    return steps_;
  }

 private:
  struct choice_record {
    std::unique_ptr<sequence> seq;
    token_source truth;
    std::vector<token_id> told;  // the events' ids
    finish_reason finish = finish_reason::none;
    std::uint64_t submitted_at_step = 0;
    bool started = false;
    bool cancelled = false;
  };

  struct flight {
    step planned;
    std::vector<token_id> ids;
  };

  std::int32_t draw(std::int32_t low, std::int32_t high) {
    return low + static_cast<std::int32_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(std::int32_t percent) { return draw(0, 99) < percent; }

  schedule_setting draw_setting() {
    schedule_setting drawn;
    drawn.limits.max_rows = draw(1, 5);
    drawn.limits.max_tokens = drawn.limits.max_rows + draw(0, 8);
    drawn.limits.max_context = draw(8, 28);
    drawn.cache.page_tokens = draw(1, 4);
    drawn.cache.max_context = drawn.limits.max_context;
    drawn.cache.slots = drawn.limits.max_rows;
    std::int32_t const one =
        (drawn.limits.max_context + drawn.cache.page_tokens - 1) / drawn.cache.page_tokens;
    drawn.cache.pages = std::max(drawn.cache.slots, one + draw(-2, 2 * one));
    drawn.cache.prefix_caching = chance(80);
    drawn.depth = chance(10) ? 3 : draw(1, 2);
    drawn.requests = draw(1, 7);
    drawn.vocabulary = static_cast<std::uint32_t>(draw(2, 8));
    drawn.cancel_percent = chance(50) ? 0 : draw(1, 8);
    return drawn;
  }

  request draw_request() {
    request wish;
    std::int32_t const length = draw(1, std::max(1, setting_.limits.max_context / 2));
    token_id const family = draw(0, 1);  // few different prompts, so that prefixes meet
    for (std::int32_t i = 0; i < length; ++i) wish.prompt.push_back(i < 6 ? family : draw(0, 1));
    wish.max_new_tokens = draw(1, setting_.limits.max_context - length + (chance(5) ? 5 : 0));
    wish.min_new_tokens = draw(0, 2);
    if (chance(50)) wish.stop_ids = {draw(0, static_cast<std::int32_t>(setting_.vocabulary) - 1)};
    wish.ignore_stop_ids = chance(10);
    wish.choices = chance(25) ? draw(2, 3) : 1;
    wish.priority = chance(50) ? 0 : draw(-1, 1);
    wish.scope = cache_scope{static_cast<std::uint64_t>(draw(0, 9) == 0)};
    wish.adapter = chance(10) ? 1 : 0;
    return wish;
  }

  void submit() {
    auto const wish = std::make_shared<request const>(draw_request());
    bool const needs_host = chance(15);
    auto const id = static_cast<request_id>(++submitted_);
    for (std::int32_t choice = 0; choice < wish->choices; ++choice) {
      auto seq = std::make_unique<sequence>();
      seq->id = id;
      seq->choice = choice;
      seq->wish = wish;
      seq->arrival = submitted_;
      seq->seed = submitted_ * 64 + static_cast<std::uint64_t>(choice);
      seq->tokens = wish->prompt;
      seq->prompt_tokens = static_cast<std::int32_t>(wish->prompt.size());
      seq->needs_host = needs_host;
      token_source truth{wish->prompt, seq->seed, setting_.vocabulary};
      choice_record record{.seq = std::move(seq), .truth = std::move(truth), .told = {}};
      record.submitted_at_step = steps_;
      records_.push_back(std::move(record));
      scheduler_.admit(*records_.back().seq);
    }
  }

  void cancel_one() {
    if (submitted_ == 0) return;
    auto const id = static_cast<request_id>(draw(1, static_cast<std::int32_t>(submitted_)));
    std::int32_t const choice = chance(40) ? draw(0, 2) : every_choice;  // which may be one too many
    auto const is_meant = [&](choice_record const& record) {
      return record.seq->id == id && (choice == every_choice || record.seq->choice == choice);
    };
    for (choice_record& record : records_)
      if (is_meant(record)) record.cancelled = true;
    std::vector<event> events;
    scheduler_.cancel(ledger_, id, choice, events);
    take(events);
    for (choice_record const& record : records_)
      if (is_meant(record)) {
        require(record.finish != finish_reason::none, "a cancelled choice has ended");
        require(record.seq->slot == no_slot, "a cancelled choice has no slot");
      }
    check_books();
  }

  bool plan() {
    auto planned = scheduler_.next(ledger_);
    check_books();
    check_order();
    if (!planned) return false;
    ++steps_;
    check_shape(*planned);
    std::vector<device_row> rows;
    for (step_row const& row : planned->rows) rows.push_back(row_for_device(row));
    auto ids = device_.run(planned->page_copies, rows);
    in_flight_.push_back({std::move(*planned), std::move(ids)});
    return true;
  }

  void commit() {
    flight const done = std::move(in_flight_.front());
    in_flight_.pop_front();
    std::vector<std::int32_t> const counts(done.ids.size(), 1);
    sampled result;
    result.ids = done.ids;
    result.counts = counts;
    std::vector<event> events;
    scheduler_.commit(ledger_, done.planned, result, events);
    take(events);
    check_books();
  }

  choice_record& record_of(request_id id, std::int32_t choice) {
    auto const found = std::ranges::find_if(records_, [&](choice_record const& record) {
      return record.seq->id == id && record.seq->choice == choice;
    });
    require(found != records_.end(), "events name choices that were submitted");
    return *found;
  }

  device_row row_for_device(step_row const& row) {
    sequence const& seq = *row.seq;
    std::int32_t const end = row.begin + row.count;
    bool const last_unknown = end > seq.known();
    require(last_unknown == row.input_on_device,
            "input_on_device says whether the last id is known to the host");
    require(std::max(row.begin, seq.known()) >= end - 1 && !(row.input_on_device && seq.needs_host),
            "inputs exist when they are needed");
    device_row copied{.slot = row.slot,
                      .begin = row.begin,
                      .samples = row.samples,
                      .input_on_device = row.input_on_device,
                      .inputs = {},
                      .table = {},
                      .truth = &record_of(seq.id, seq.choice).truth};
    auto const known = std::clamp(seq.known(), row.begin, end);
    std::int32_t const begin = std::min(row.begin, seq.known());
    copied.inputs.assign(seq.tokens.begin() + begin, seq.tokens.begin() + begin + (known - row.begin));
    copied.inputs.resize(static_cast<std::size_t>(row.count));
    auto const table = ledger_.pages(row.slot);
    copied.table.assign(table.begin(), table.end());
    require(static_cast<std::int64_t>(table.size()) * ledger_.page_tokens() >= end,
            "a row's positions have room in its slot's pages");
    return copied;
  }

  void check_shape(step const& planned) {
    require(static_cast<std::int32_t>(planned.rows.size()) <= setting_.limits.max_rows, "max_rows is kept");
    require(planned.tokens <= setting_.limits.max_tokens, "max_tokens is kept");
    std::int32_t tokens = 0, index = 0;
    std::set<slot_id> slots;
    for (step_row const& row : planned.rows) {
      require((row.count == 1) == (index++ < planned.decode_rows), "rows of one token come first");
      require(row.count >= 1 && row.begin + row.count <= setting_.limits.max_context,
              "rows lie in the context");
      require(row.slot == row.seq->slot && row.slot >= 0 && row.slot < setting_.limits.max_rows,
              "slots are real");
      require(slots.insert(row.slot).second, "a slot has one row at most");
      require(row.seq->state == sequence_state::running, "rows belong to running sequences");
      std::int32_t const length = row.seq->length() - (row.samples ? 1 : 0);
      require(row.samples == (row.begin + row.count == length), "the last position samples, and no other");
      require(row.seq->computed == row.begin + row.count, "computed advances when a step is planned");
      if (row.samples) check_fresh(row);
      tokens += row.count;
    }
    require(tokens == planned.tokens, "tokens is the sum of the rows' counts");
  }

  void check_fresh(step_row const& row) {
    auto& owner = slot_owner_[static_cast<std::size_t>(row.slot)];
    std::pair<sequence const*, std::int32_t> const now{row.seq, row.seq->preemptions + 1};
    require(row.seq->fresh_slot == (owner != now), "fresh_slot tells a slot's first sampled row");
    owner = now;
    row.seq->fresh_slot = false;  // as the batch builder does
  }

  void check_books() {
    cache_usage const usage = ledger_.usage();
    require(usage.free >= 0 && usage.cached >= 0 && usage.held >= 0, "no count of pages is negative");
    require(usage.total == usage.free + usage.cached + usage.held, "total == free + cached + held");
    std::set<page_id> held;
    std::set<slot_id> slots;
    for (choice_record const& record : records_)
      if (slot_id const slot = record.seq->slot; slot != no_slot)
        require(slots.insert(slot).second, "a slot has one owner");
    for (slot_id slot = 0; slot < setting_.cache.slots; ++slot) {
      auto const table = ledger_.pages(slot);
      require(table.empty() || slots.contains(slot), "a slot without owner holds no page");
      held.insert(table.begin(), table.end());
    }
    require(static_cast<std::int64_t>(held.size()) == usage.held, "held counts the pages in page tables");
  }

  std::int64_t turn_of(choice_record const& record) const {
    return std::int64_t{record.seq->wish->priority} * promises_.ageing_steps +
           static_cast<std::int64_t>(record.submitted_at_step);
  }

  /// Whether `passed` had to start before `record`, which started just now.
  bool goes_before(choice_record const& passed, choice_record const& record) const {
    if (passed.started || passed.finish != finish_reason::none || passed.seq->choice != 0) return false;
    if (passed.seq->state == sequence_state::finished) return false;  // failed, told at the next commit
    if (promises_.ageing_steps > 0 && turn_of(passed) != turn_of(record))
      return turn_of(passed) < turn_of(record);
    return passed.seq->wish->priority == record.seq->wish->priority && passed.seq->id < record.seq->id;
  }

  void check_order() {
    std::vector<choice_record*> started;
    for (choice_record& record : records_)
      if (!record.started && record.seq->state == sequence_state::running) {
        record.started = true;
        if (record.seq->choice == 0) started.push_back(&record);
      }
    if (!promises_.first_in_first_out) return;
    for (choice_record const* record : started)
      for (choice_record const& passed : records_)
        require(!goes_before(passed, *record), "nobody is passed by somebody who comes later");
  }

  void take(std::vector<event> const& events) {
    for (event const& happened : events) {
      choice_record& record = record_of(happened.request, happened.choice);
      require(record.finish == finish_reason::none, "nothing follows a choice's last event");
      if (happened.token) record.told.push_back(*happened.token);
      record.finish = happened.finish;
      if (happened.finish != finish_reason::none) check_finished(record, happened);
    }
  }

  /// What the choice must have ended with, had nobody cancelled it.
  finish_reason expected(choice_record& record, std::vector<token_id>& ids) const {
    request const& wish = *record.seq->wish;
    auto const prompt = static_cast<std::int32_t>(wish.prompt.size()), context = setting_.limits.max_context;
    std::int32_t const longest = std::min(prompt + wish.max_new_tokens - 1, context);
    if (prompt > context || !ledger_.can_ever_hold(longest)) return finish_reason::failed;
    for (std::int32_t i = 0;; ++i) {
      ids.push_back(record.truth.at(prompt + i));
      bool const may_stop = !wish.ignore_stop_ids && i + 1 > wish.min_new_tokens;
      if (may_stop && std::ranges::count(wish.stop_ids, ids.back()) > 0) return finish_reason::stop;
      if (i + 1 == wish.max_new_tokens || prompt + i + 1 > context) return finish_reason::length;
    }
  }

  void check_finished(choice_record& record, event const& last) const {
    require(last.usage.prompt == static_cast<std::int32_t>(record.seq->wish->prompt.size()),
            "usage counts the prompt");
    require(last.usage.generated == static_cast<std::int32_t>(record.told.size()),
            "usage counts the ids told");
    require(last.usage.cached >= 0 && last.usage.cached < last.usage.prompt,
            "the last prompt position is computed");
    require((last.finish == finish_reason::failed) == !last.message.empty(), "a failure has a message");
    std::vector<token_id> ids;
    finish_reason const reason = expected(record, ids);
    if (last.finish == finish_reason::cancelled) {
      require(record.cancelled, "only what was cancelled ends as cancelled");
      require(record.told.size() <= ids.size(), "a cancelled choice told no more than it would have");
      ids.resize(record.told.size());
    } else {
      require(last.finish == reason, "a choice ends for the right reason");
    }
    require(record.told == ids, "a choice's ids do not depend on the schedule");
  }

  void check_end() {
    for (choice_record const& record : records_) {
      require(record.finish != finish_reason::none, "every choice ends");
      require(record.seq->slot == no_slot && record.seq->pending == 0,
              "nothing is left of a choice that ended");
    }
    check_books();
    require(ledger_.usage().held == 0, "at idle nobody holds a page");
    require(scheduler_.counts().waiting == 0 && scheduler_.counts().running == 0,
            "at idle nobody is counted");
  }

  std::mt19937_64 random_;
  scheduler_promises promises_;
  schedule_setting setting_;
  Scheduler scheduler_;
  Ledger ledger_;
  simulated_device device_;
  std::deque<choice_record> records_;
  std::deque<flight> in_flight_;
  std::vector<std::pair<sequence const*, std::int32_t>> slot_owner_;  // [slots], and its number of lives
  std::uint64_t submitted_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace tenon::conformance
