// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/static_batch.hpp"

#include <boost/test/unit_test.hpp>

#include "conformance/scheduler_policy.hpp"
#include "scheduling/table_run.hpp"
#include "tenon/cache/contiguous_ledger.hpp"
#include "tenon/cache/prefix_ledger.hpp"

namespace {

using tenon::test::planned_for;
using tenon::test::wish_of;

struct run : tenon::test::table_run<tenon::static_batch, tenon::prefix_ledger> {
  explicit run(tenon::scheduler_limits const& limits, std::int32_t pages = 64,
               tenon::static_batch_options const& options = {})
      : table_run{tenon::static_batch{limits, options},
                  tenon::prefix_ledger{{.pages = pages,
                                        .page_tokens = 4,
                                        .slots = limits.max_rows,
                                        .max_context = limits.max_context,
                                        .prefix_caching = false}}} {}
};

}  // namespace

BOOST_AUTO_TEST_SUITE(static_batch)

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_a_fake_ledger) {
  tenon::conformance::check_scheduler_policy<tenon::static_batch>(15000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_shared_prefixes) {
  tenon::conformance::check_scheduler_policy<tenon::static_batch, tenon::prefix_ledger>(
      30000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_contiguous_slots) {
  tenon::conformance::check_scheduler_policy<tenon::static_batch, tenon::contiguous_ledger>(
      10000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(newcomers_wait_for_the_whole_batch) {
  run now{{.max_rows = 4, .max_tokens = 32, .max_context = 64}};
  auto two = wish_of(4, 3);
  two.choices = 2;  // the second joins the batch when the prompt is computed
  now.submit(two);
  auto& longest = now.submit(wish_of(4, 6));
  now.advance();
  auto& newcomer = now.submit(wish_of(4, 2));
  while (longest.state == tenon::sequence_state::running)
    BOOST_TEST(planned_for(*now.advance(), newcomer) == 0);
  BOOST_TEST(now.sequences[1]->generated() == 3);
  BOOST_TEST(planned_for(*now.advance(), newcomer) == 4);
}

BOOST_AUTO_TEST_CASE(all_prompts_are_computed_before_anybody_decodes) {
  run now{{.max_rows = 4, .max_tokens = 8, .max_context = 64}};
  auto& first = now.submit(wish_of(6, 4));
  auto& second = now.submit(wish_of(6, 4));
  BOOST_TEST((planned_for(*now.advance(), first) == 6));
  auto const rest = now.advance();
  BOOST_TEST((planned_for(*rest, first) == 0 && planned_for(*rest, second) == 4));
  auto const decoding = now.advance();
  BOOST_TEST((decoding->decode_only() && decoding->rows.size() == 2u));
}

BOOST_AUTO_TEST_CASE(room_for_the_whole_length_is_reserved) {
  run now{{.max_rows = 4, .max_tokens = 32, .max_context = 32}, 6};
  now.submit(wish_of(4, 9));  // 12 positions: 3 pages
  now.submit(wish_of(4, 9));
  now.submit(wish_of(4, 9));
  now.advance();
  BOOST_TEST(now.ledger.usage().held == 6);
  BOOST_TEST(now.scheduler.counts().running == 2);
  while (!now.scheduler.idle()) now.advance();
  BOOST_TEST(now.scheduler.counts().preemptions == 0);
}

BOOST_AUTO_TEST_SUITE_END()
