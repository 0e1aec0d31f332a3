// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>

#include "conformance/fake_ledger.hpp"
#include "conformance/random_schedule.hpp"

namespace tenon::conformance {

/// TENON_TEST_SEED, or the same one every time.
inline std::uint64_t seed_of_this_run() {
  if (char const* given = std::getenv("TENON_TEST_SEED")) return std::strtoull(given, nullptr, 10);
  return 20261121;
}

/// `count` scaled by TENON_TEST_SCALE (a number up to 1, for slow builds), at least 1.
inline std::int64_t scaled(std::int64_t count) {
  char const* given = std::getenv("TENON_TEST_SCALE");
  double const scale = given == nullptr ? 1.0 : std::strtod(given, nullptr);
  return scale >= 1.0 || scale <= 0.0 ? count
                                      : 1 + static_cast<std::int64_t>(scale * static_cast<double>(count));
}

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
