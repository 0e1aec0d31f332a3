// SPDX-License-Identifier: Apache-2.0
#include "tenon/scheduling/prefill_first.hpp"

#include "conformance/scheduler_policy.hpp"
#include "tenon/cache/contiguous_ledger.hpp"
#include "tenon/cache/prefix_ledger.hpp"

BOOST_AUTO_TEST_SUITE(prefill_first)

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_a_fake_ledger) {
  tenon::conformance::check_scheduler_policy<tenon::prefill_first>(15000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_shared_prefixes) {
  tenon::conformance::check_scheduler_policy<tenon::prefill_first, tenon::prefix_ledger>(
      30000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_CASE(keeps_every_promise_with_contiguous_slots) {
  tenon::conformance::check_scheduler_policy<tenon::prefill_first, tenon::contiguous_ledger>(
      10000, {.ageing_steps = 256});
}

BOOST_AUTO_TEST_SUITE_END()
