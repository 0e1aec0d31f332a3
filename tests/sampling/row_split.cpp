// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/row_split.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <vector>

#include "tenon/cpu/backend.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(row_split)

BOOST_AUTO_TEST_CASE(every_row_once_and_no_part_twice_at_a_time) {
  cpu::context context{{.threads = 4}};
  for (std::int32_t const rows : {0, 1, 2, 7, 100}) {
    for (std::int32_t const most_parts : {0, 1, 3, 100}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(rows));
      std::vector<std::atomic<int>> busy(101);
      std::atomic<int> collisions = 0;
      for_each_row(context, rows, most_parts, [&](std::int32_t part, std::int32_t row) {
        auto& owner = busy[static_cast<std::size_t>(part)];
        if (owner.fetch_add(1) != 0 || part < 0 || part >= std::max(most_parts, 1)) ++collisions;
        ++seen[static_cast<std::size_t>(row)];
        owner.fetch_sub(1);
      });
      BOOST_TEST(collisions == 0);
      for (auto const& count : seen) BOOST_TEST(count == 1);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
