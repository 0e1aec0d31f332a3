// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/thread_team.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <numeric>
#include <vector>

#include "cpu/random_matrix.hpp"

using team_type = tenon::cpu::thread_team;

BOOST_AUTO_TEST_SUITE(thread_team)

BOOST_AUTO_TEST_CASE(runs_every_part_once_and_returns_when_all_are_done) {
  for (int const threads : {1, 2, 3, 4, 9}) {
    team_type team{threads};
    BOOST_TEST(team.size() == threads);
    for (std::int64_t round = 0; round < tenon::testing::scaled(3000, 100); ++round) {
      auto const parts = static_cast<std::int32_t>(round % 40);
      std::vector<int> done(static_cast<std::size_t>(parts), 0);  // plain: the join orders the writes
      std::vector<int> by_worker(static_cast<std::size_t>(threads), 0);
      team.run(parts, [&](std::int32_t part, int worker) {
        ++done[static_cast<std::size_t>(part)];
        ++by_worker[static_cast<std::size_t>(worker)];
      });
      BOOST_REQUIRE(std::count(done.begin(), done.end(), 1) == parts);
      BOOST_REQUIRE(std::accumulate(by_worker.begin(), by_worker.end(), 0) == parts);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_run_sees_what_the_caller_wrote_before_it) {
  team_type team{4};
  std::vector<std::int64_t> values(64, 0);
  for (std::int64_t round = 0; round < tenon::testing::scaled(2000, 100); ++round) {
    for (auto& value : values) value += round;
    team.run(64, [&](std::int32_t part, int) { values[static_cast<std::size_t>(part)] -= round; });
  }
  BOOST_TEST(std::count(values.begin(), values.end(), 0) == 64);
}

BOOST_AUTO_TEST_CASE(sleeping_threads_wake) {
  team_type team{3};
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds{3});
    std::atomic<int> parts = 0;
    team.run(100, [&](std::int32_t, int) { ++parts; });
    BOOST_TEST(parts == 100);
  }
}

BOOST_AUTO_TEST_CASE(one_thread_is_the_caller) {
  team_type team{1};
  auto const caller = std::this_thread::get_id();
  bool same = true;
  team.run(10, [&](std::int32_t, int worker) {
    same = same && worker == 0 && std::this_thread::get_id() == caller;
  });
  BOOST_TEST(same);
}

BOOST_AUTO_TEST_SUITE_END()
