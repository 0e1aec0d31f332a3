// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/philox.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <set>
#include <vector>

using namespace tenon;

BOOST_AUTO_TEST_SUITE(philox)

// Known answers published with the paper's reference implementation (Random123, philox 4x32 10 rounds).
BOOST_AUTO_TEST_CASE(known_answers) {
  using words = std::array<std::uint32_t, 4>;
  constexpr std::uint32_t ones = 0xffffffffu;
  static_assert(philox4x32({0, 0, 0, 0}, {0, 0}) == words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  static_assert(philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
                words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  static_assert(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
                words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  BOOST_TEST(uniform_draw(1, 2, 3) == uniform_draw(1, 2, 3));
}

BOOST_AUTO_TEST_CASE(every_part_of_the_key_matters) {
  std::set<double> drawn;
  for (std::uint64_t const seed : {0ull, 1ull, 1ull << 32, ~0ull}) {
    for (int choice = 0; choice < 4; ++choice) {
      for (int position = 0; position < 100; ++position) drawn.insert(uniform_draw(seed, choice, position));
    }
  }
  BOOST_TEST(drawn.size() == 1600u);
}

BOOST_AUTO_TEST_CASE(draws_fill_the_unit_interval_evenly) {
  std::vector<int> bins(64);
  constexpr int draws = 64000;
  for (int position = 0; position < draws; ++position) {
    double const u = uniform_draw(42, 0, position);
    BOOST_TEST_REQUIRE((u >= 0.0 && u < 1.0));
    ++bins[static_cast<std::size_t>(u * 64)];
  }
  double chi_square = 0.0;
  for (int const count : bins) chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  BOOST_TEST(chi_square < 63 + 6 * 11.2);
  BOOST_TEST(chi_square > 63 - 4 * 11.2);
}

BOOST_AUTO_TEST_SUITE_END()
