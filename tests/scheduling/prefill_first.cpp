// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/prefill_first.hpp"

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

struct run : tenon::test::table_run<tenon::prefill_first, tenon::prefix_ledger> {
  explicit run(tenon::scheduler_limits const& limits, std::int32_t pages = 64,
               tenon::prefill_first_options const& options = {})
      : table_run{tenon::prefill_first{limits, options},
                  tenon::prefix_ledger{{.pages = pages,
                                        .page_tokens = 4,
                                        .slots = limits.max_rows,
                                        .max_context = limits.max_context,
                                        .prefix_caching = false}}} {}
};

/// Ages fast and keeps a good part of its pages back.
struct cautious : tenon::prefill_first {
  explicit cautious(tenon::scheduler_limits const& limits)
      : prefill_first{limits, {.ageing_steps = 3, .spare_percent = 25}} {}
};

}  // namespace

BOOST_AUTO_TEST_SUITE(prefill_first)

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_a_fake_ledger) {
  tenon::conformance::check_scheduler_policy<tenon::prefill_first>(15000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_shared_prefixes) {
  tenon::conformance::check_scheduler_policy<tenon::prefill_first, tenon::prefix_ledger>(
      30000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_other_options) {
  tenon::conformance::check_scheduler_policy<cautious, tenon::prefix_ledger>(5000, {.ageing_steps = 3});
}

BOOST_AUTO_TEST_CASE(uses_every_contiguous_slot) {
  constexpr std::int32_t rows = 200;
  tenon::contiguous_ledger ledger{{.slots = rows, .max_context = 8}};
  tenon::prefill_first scheduler{{.max_rows = rows, .max_tokens = rows, .max_context = 8}};
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
  tenon::conformance::check_scheduler_policy<tenon::prefill_first, tenon::contiguous_ledger>(
      10000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(prompts_go_before_decoding) {
  run now{{.max_rows = 4, .max_tokens = 8, .max_context = 64}};
  auto& decoding = now.submit(wish_of(4, 30));
  now.advance();
  auto& prompt = now.submit(wish_of(6, 4));
  auto const planned = now.advance();
  BOOST_TEST((planned_for(*planned, decoding) == 0 && planned_for(*planned, prompt) == 6));
  BOOST_TEST(now.advance()->rows.size() == 2u);
}

BOOST_AUTO_TEST_CASE(prompts_are_whole_unless_they_exceed_a_step) {
  run now{{.max_rows = 4, .max_tokens = 8, .max_context = 64}};
  auto& first = now.submit(wish_of(5, 4));
  auto& second = now.submit(wish_of(5, 4));
  auto& giant = now.submit(wish_of(13, 4));
  BOOST_TEST(planned_for(*now.advance(), first) == 5);
  BOOST_TEST(planned_for(*now.advance(), second) == 5);
  auto const pieces = now.advance();
  BOOST_TEST((pieces->rows.size() == 1u && planned_for(*pieces, giant) == 8));
  BOOST_TEST(planned_for(*now.advance(), giant) == 5);
}

BOOST_AUTO_TEST_SUITE_END()
