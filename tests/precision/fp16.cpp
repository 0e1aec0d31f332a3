// SPDX-License-Identifier: Apache-2.0
#include "tenon/precision/fp16.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

using tenon::f16_t;

BOOST_AUTO_TEST_SUITE(fp16)

BOOST_AUTO_TEST_CASE(stores_two_bytes_and_sums_in_float) {
  using policy = tenon::fp16;
  static_assert(tenon::precision_policy<policy>);
  static_assert(sizeof(policy::weight) == 2 && sizeof(policy::activation) == 2 && sizeof(policy::cache) == 2);
  static_assert(std::is_same_v<policy::accumulator, float>);
  BOOST_TEST(policy::name == "fp16");
}

BOOST_AUTO_TEST_CASE(widens_by_definition) {
  for (std::uint32_t bits = 0; bits < 0x7c00u; ++bits) {
    auto const exponent = static_cast<int>(bits >> 10);
    auto const fraction = static_cast<double>(bits & 0x3ffu) / 1024.0;
    double const expected =
        exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1.0 + fraction, exponent - 15);
    f16_t const value{static_cast<std::uint16_t>(bits)};
    BOOST_REQUIRE(static_cast<double>(static_cast<float>(value)) == expected);
  }
}

BOOST_AUTO_TEST_CASE(rounds_to_the_nearest_and_ties_to_even) {
  for (std::uint32_t bits = 0; bits < 0x7bffu; ++bits) {  // subnormal values too
    float const value = f16_t{static_cast<std::uint16_t>(bits)};
    float const next = f16_t{static_cast<std::uint16_t>(bits + 1)};
    float const middle = value + (next - value) / 2;  // exact: floats are much finer
    BOOST_REQUIRE(f16_t::from(value).bits == bits);
    BOOST_REQUIRE(f16_t::from(std::nextafter(middle, 0.0f)).bits == bits);
    BOOST_REQUIRE(f16_t::from(middle).bits == bits + bits % 2);
    BOOST_REQUIRE(f16_t::from(std::nextafter(middle, 1e9f)).bits == bits + 1);
    BOOST_REQUIRE(f16_t::from(-value).bits == (bits | 0x8000u));
  }
}

BOOST_AUTO_TEST_CASE(overflows_to_infinity_and_keeps_nan) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  BOOST_TEST(static_cast<float>(f16_t::from(65519.996f)) == 65504.0f);
  BOOST_TEST(static_cast<float>(f16_t::from(65520.0f)) == infinity);
  BOOST_TEST(static_cast<float>(f16_t::from(-1e30f)) == -infinity);
  BOOST_TEST(static_cast<float>(f16_t::from(infinity)) == infinity);
  BOOST_TEST(std::isnan(static_cast<float>(f16_t::from(std::numeric_limits<float>::quiet_NaN()))));
}

BOOST_AUTO_TEST_SUITE_END()
