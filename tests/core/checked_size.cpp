// SPDX-License-Identifier: Apache-2.0
#include "tenon/core/checked_size.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>


namespace {
constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();
static_assert((tenon::checked_size{6} * 7 + 8).value() == 50);
static_assert(!std::is_convertible_v<tenon::checked_size, std::size_t>);
}  // namespace

BOOST_AUTO_TEST_SUITE(checked_size)

BOOST_AUTO_TEST_CASE(sums_and_products_up_to_the_edge) {
  BOOST_TEST((tenon::checked_size{largest - 1} + 1).value() == largest);
  BOOST_TEST((tenon::checked_size{std::size_t{1} << 63} * 1).value() == std::size_t{1} << 63);
  BOOST_TEST((tenon::checked_size{0} * largest).value() == 0u);
  BOOST_TEST((tenon::checked_size{largest} * 0).value() == 0u);
  BOOST_TEST((tenon::checked_size{3} < tenon::checked_size{4}));
}

BOOST_AUTO_TEST_CASE(overflow_throws_and_never_wraps) {
  using overflow = tenon::checked_size::overflow_error;
  BOOST_CHECK_THROW(tenon::checked_size{largest} + 1, overflow);
  BOOST_CHECK_THROW(tenon::checked_size{largest} * 2, overflow);
  BOOST_CHECK_THROW(tenon::checked_size{std::size_t{1} << 32} * (std::size_t{1} << 32), overflow);
  BOOST_CHECK_THROW(tenon::checked_size{-1}, overflow);
  BOOST_CHECK_THROW(tenon::checked_size{std::int64_t{-5}}, overflow);
}

BOOST_AUTO_TEST_CASE(rounding_to_steps) {
  BOOST_TEST(tenon::round_up(0, 256) == 0);
  BOOST_TEST(tenon::round_up(1, 256) == 256);
  BOOST_TEST(tenon::round_up(256, 256) == 256);
  BOOST_TEST(tenon::round_up(29, 7) == 35);
  BOOST_TEST(tenon::ceil_div(28, 7) == 4);
  BOOST_TEST(tenon::ceil_div(29, 7) == 5);
  BOOST_TEST(tenon::ceil_div(0, 7) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
