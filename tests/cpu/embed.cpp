// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/embed.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cpu/oracle.hpp"
#include "cpu/random_batch.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(embed)

BOOST_AUTO_TEST_CASE(copies_the_row_of_each_id_and_of_each_slots_last_id) {
  testing::for_each_precision_and_set([](auto precision, cpu::instruction_set set) {
    using policy = decltype(precision);
    std::mt19937_64 random{testing::seed()};
    cpu::context ctx{{.threads = 2, .at_most = set}};
    testing::random_batch batch{random, 50, 30, 100, 16};
    testing::random_matrix<typename policy::activation> const table{random, 30, 77};
    testing::random_matrix<float> x{random, 52, 77};
    auto const before = x;
    cpu::embed<policy>(ctx, batch.view(), table.weights(), x.view());
    int wrong = 0;
    for (std::int32_t t = 0; t < 52; ++t) {
      auto const token = static_cast<std::size_t>(t);
      for (std::int32_t i = 0; i < 77; ++i) {
        double expected = before.at(t, i);
        if (t < 50) {
          auto const slot = batch.id_slots[token];
          expected =
              table.at(slot < 0 ? batch.ids[token] : batch.slot_ids[static_cast<std::size_t>(slot)], i);
        }
        wrong += x.at(t, i) != expected;
      }
    }
    BOOST_TEST(wrong == 0);
  });
}

BOOST_AUTO_TEST_SUITE_END()
