// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/chunked_prefill.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <vector>

#include "conformance/scheduler_policy.hpp"
#include "scheduling/table_run.hpp"
#include "tenon/cache/contiguous_ledger.hpp"
#include "tenon/cache/prefix_ledger.hpp"

namespace {

using tenon::test::planned_for;
using tenon::test::wish_of;

struct run : tenon::test::table_run<tenon::chunked_prefill, tenon::prefix_ledger> {
  explicit run(tenon::scheduler_limits const& limits, std::int32_t pages = 64,
               tenon::chunked_prefill_options const& options = {})
      : table_run{tenon::chunked_prefill{limits, options},
                  tenon::prefix_ledger{{.pages = pages,
                                        .page_tokens = 4,
                                        .slots = limits.max_rows,
                                        .max_context = limits.max_context,
                                        .prefix_caching = false}}} {}
};

/// Ages fast and keeps a good part of its pages back.
struct cautious : tenon::chunked_prefill {
  explicit cautious(tenon::scheduler_limits const& limits)
      : chunked_prefill{limits, {.ageing_steps = 3, .spare_percent = 25}} {}
};

}  // namespace

BOOST_AUTO_TEST_SUITE(chunked_prefill)

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_a_fake_ledger) {
  tenon::conformance::check_scheduler_policy<tenon::chunked_prefill>(15000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_shared_prefixes) {
  tenon::conformance::check_scheduler_policy<tenon::chunked_prefill, tenon::prefix_ledger>(
      30000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_other_options) {
  tenon::conformance::check_scheduler_policy<cautious, tenon::prefix_ledger>(5000, {.ageing_steps = 3});
}

BOOST_AUTO_TEST_CASE(uses_every_contiguous_slot) {
  constexpr std::int32_t rows = 200;
  tenon::contiguous_ledger ledger{{.slots = rows, .max_context = 8}};
  tenon::chunked_prefill scheduler{{.max_rows = rows, .max_tokens = rows, .max_context = 8}};
  std::vector<std::unique_ptr<tenon::sequence>> sequences;
  auto const wish = std::make_shared<tenon::request const>(wish_of(1, 4));
  for (std::uint64_t id = 1; id <= rows; ++id) {
    sequences.push_back(tenon::test::make_sequence(wish, id));
    scheduler.admit(*sequences.back());
  }
  auto const planned = scheduler.next(ledger);
  BOOST_REQUIRE(planned.has_value());
  BOOST_TEST(planned->rows.size() == static_cast<std::size_t>(rows));
}

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_contiguous_slots) {
  tenon::conformance::check_scheduler_policy<tenon::chunked_prefill, tenon::contiguous_ledger>(
      10000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(decoding_never_pauses_for_a_prompt) {
  run now{{.max_rows = 4, .max_tokens = 8, .max_context = 64}};
  auto& decoding = now.submit(wish_of(4, 30));
  now.advance();
  auto& prompt = now.submit(wish_of(20, 4));
  for (std::int32_t left = 20; left > 0; left -= 7) {
    auto const planned = now.advance();
    BOOST_TEST(planned_for(*planned, decoding) == 1);
    BOOST_TEST(planned_for(*planned, prompt) == std::min(left, 7));
  }
  BOOST_TEST(prompt.generated() == 1);
}

BOOST_AUTO_TEST_CASE(running_prompts_go_before_waiting_ones) {
  run now{{.max_rows = 4, .max_tokens = 8, .max_context = 64}};
  auto& first = now.submit(wish_of(12, 4));
  auto& second = now.submit(wish_of(12, 4));
  BOOST_TEST(planned_for(*now.advance(), second) == 0);
  auto const planned = now.advance();
  BOOST_TEST((planned_for(*planned, first) == 4 && planned_for(*planned, second) == 4));
}

BOOST_AUTO_TEST_CASE(smaller_priorities_go_first) {
  run now{{.max_rows = 1, .max_tokens = 8, .max_context = 64}};
  auto& low = now.submit(wish_of(4, 1, 5));
  auto& normal = now.submit(wish_of(4, 1));
  auto& high = now.submit(wish_of(4, 1, -1));
  BOOST_TEST(planned_for(*now.advance(), high) == 4);
  BOOST_TEST(planned_for(*now.advance(), normal) == 4);
  BOOST_TEST(planned_for(*now.advance(), low) == 4);
}

BOOST_AUTO_TEST_CASE(waiting_is_bounded_by_ageing) {
  constexpr std::int32_t ageing = 10, priority = 3, longest = 5;
  run now{{.max_rows = 2, .max_tokens = 8, .max_context = 64}, 64, {.ageing_steps = ageing}};
  auto& low = now.submit(wish_of(4, 2, priority));
  std::int32_t steps = 0;
  for (; low.state == tenon::sequence_state::waiting; ++steps) {
    BOOST_REQUIRE(steps <= priority * ageing + 4 * longest);
    while (now.scheduler.counts().waiting < 6) now.submit(wish_of(4, longest));  // an endless crowd
    now.advance();
  }
  // Overtaken by those submitted in the first priority * ageing steps, of which at most 6 wait at any time,
  // two run at a time, and each takes `longest` steps.
  BOOST_TEST(steps > priority * ageing);
  BOOST_TEST(steps <= priority * ageing + 4 * longest);
}

BOOST_AUTO_TEST_CASE(the_last_in_line_makes_room_and_comes_back_first) {
  run now{{.max_rows = 3, .max_tokens = 32, .max_context = 32}, 6};
  auto& first = now.submit(wish_of(7, 9));
  auto& second = now.submit(wish_of(7, 9));
  auto& low = now.submit(wish_of(7, 9, 1));
  tenon::sequence* newcomer = nullptr;
  std::int32_t low_preemptions = 0;
  while (!now.scheduler.idle()) {
    if (low.preemptions > 0 && low_preemptions == 0) {
      BOOST_TEST((first.preemptions == 0 && second.preemptions == 0));
      low_preemptions = low.preemptions;
      newcomer = &now.submit(wish_of(7, 2, 1));
    }
    if (newcomer != nullptr && newcomer->state != tenon::sequence_state::waiting)
      BOOST_TEST((low.state != tenon::sequence_state::waiting || low.preemptions > low_preemptions));
    now.advance();
  }
  BOOST_TEST(low_preemptions > 0);
  BOOST_TEST(first.preemptions == 0);
  for (auto const* seq : {&first, &second, &low}) BOOST_TEST(seq->generated() == 9);
  BOOST_TEST(now.scheduler.counts().preemptions == first.preemptions + second.preemptions + low.preemptions);
}

BOOST_AUTO_TEST_CASE(leaves_room_for_those_that_run) {
  run now{{.max_rows = 3, .max_tokens = 32, .max_context = 32}, 8, {.spare_percent = 50}};
  now.submit(wish_of(15, 9));
  auto& second = now.submit(wish_of(3, 2));
  auto const planned = now.advance();
  BOOST_TEST(planned_for(*planned, second) == 0);  // 4 of 8 pages must stay free, and 4 are in use
  while (!now.scheduler.idle()) now.advance();
  BOOST_TEST(second.generated() == 2);
}

BOOST_AUTO_TEST_SUITE_END()
