// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <exception>

#include "conformance/fake_ledger.hpp"
#include "conformance/random_run.hpp"
#include "conformance/random_schedule.hpp"

namespace tenon::conformance {

/// Runs random schedules of a scheduler against a ledger and a simulated device: see random_schedule.hpp for
/// what is checked. A failure names the seed of its schedule.
template <class Scheduler, class Ledger = fake_ledger>
void check_scheduler_policy(std::int64_t schedules = 1000, scheduler_promises const& promises = {}) {
  static_assert(is_scheduler_policy<Scheduler, Ledger>);
  std::uint64_t const first = seed_of_this_run();
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << first << ", schedules: " << scaled(schedules));
  for (std::uint64_t seed = first; seed < first + static_cast<std::uint64_t>(scaled(schedules)); ++seed) {
    try {
      random_schedule<Scheduler, Ledger>{seed, promises}.run();
    } catch (std::exception const& broken) {
      BOOST_ERROR("schedule " << seed << " (set TENON_TEST_SEED to it) breaks: " << broken.what());
      return;
    }
  }
  BOOST_TEST(true);
}

}  // namespace tenon::conformance
