// SPDX-License-Identifier: Apache-2.0
#include "tenon/precision/bf16.hpp"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

using tenon::bf16_t;

BOOST_AUTO_TEST_SUITE(bf16)

BOOST_AUTO_TEST_CASE(stores_two_bytes_and_sums_in_float) {
  using policy = tenon::bf16;
  static_assert(tenon::precision_policy<policy>);
  static_assert(sizeof(policy::weight) == 2 && sizeof(policy::activation) == 2 && sizeof(policy::cache) == 2);
  static_assert(std::is_same_v<policy::accumulator, float>);
  BOOST_TEST(policy::name == "bf16");
}

BOOST_AUTO_TEST_CASE(rounds_to_the_nearest_and_ties_to_even) {
  for (std::uint32_t bits = 0; bits < 0x7f80u; ++bits) {  // every positive value and what lies above it
    float const value = bf16_t{static_cast<std::uint16_t>(bits)};
    float const next = bf16_t{static_cast<std::uint16_t>(bits + 1)};
    auto const word = std::bit_cast<std::uint32_t>(value);
    BOOST_REQUIRE(bf16_t::from(value).bits == bits);
    BOOST_REQUIRE(bf16_t::from(std::bit_cast<float>(word + 0x7fffu)).bits == bits);
    BOOST_REQUIRE(bf16_t::from(std::bit_cast<float>(word + 0x8000u)).bits == bits + bits % 2);
    BOOST_REQUIRE(bf16_t::from(std::bit_cast<float>(word + 0x8001u)).bits == bits + 1);
    BOOST_REQUIRE(bf16_t::from(-value).bits == (bits | 0x8000u));
    BOOST_REQUIRE(value < next);
  }
}

BOOST_AUTO_TEST_CASE(keeps_infinity_and_nan) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  BOOST_TEST(static_cast<float>(bf16_t::from(infinity)) == infinity);
  BOOST_TEST(static_cast<float>(bf16_t::from(-infinity)) == -infinity);
  BOOST_TEST(static_cast<float>(bf16_t::from(std::numeric_limits<float>::max())) == infinity);
  for (std::uint32_t const word : {0x7f80'0001u, 0x7fff'ffffu, 0xff80'0001u}) {
    BOOST_TEST(std::isnan(static_cast<float>(bf16_t::from(std::bit_cast<float>(word)))));
  }
}

BOOST_AUTO_TEST_SUITE_END()
