// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/strict_json_handler.hpp"

#include <boost/json/string.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

#include "tenon/checkpoint/parse_json.hpp"

BOOST_AUTO_TEST_SUITE(strict_json_handler)

BOOST_AUTO_TEST_CASE(doubles_are_the_nearest_ones) {
  // Boost.JSON 1.81 itself reads these one unit in the last place away.
  BOOST_TEST(tenon::parse_json("6.84e-22", "f").as_double() == 6.84e-22);
  BOOST_TEST(tenon::parse_json("8.39e27", "f").as_double() == 8.39e27);
  BOOST_TEST(tenon::parse_json("-2.95e+38", "f").as_double() == -2.95e38);
  BOOST_TEST(std::signbit(tenon::parse_json("-0.0", "f").as_double()));
}

BOOST_AUTO_TEST_CASE(numbers_too_small_for_a_double_are_zero) {
  BOOST_TEST(tenon::parse_json("1e-400", "f").as_double() == 0.0);
  BOOST_TEST(std::signbit(tenon::parse_json("-1e-400", "f").as_double()));
}

BOOST_AUTO_TEST_CASE(exponents_beyond_32_bits_do_not_change_the_strings_around_them) {
  auto const value =
      tenon::parse_json(R"({"e\"e99999999999": [0e99999999999, 1e-00099999999999, "e99999999999"]})", "f");
  auto const& list = value.at("e\"e99999999999").as_array();
  BOOST_TEST(list[0].as_double() == 0.0);
  BOOST_TEST(list[1].as_double() == 0.0);
  BOOST_TEST((list[2].as_string() == "e99999999999"));
}

BOOST_AUTO_TEST_CASE(sizes_are_bounded_by_the_text_alone) {
  constexpr std::size_t body = 8u << 20;
  std::string numbers = "[1";
  while (numbers.size() < body) numbers += ",1";
  BOOST_TEST(tenon::parse_json(numbers + "]", "f").as_array().size() == body / 2);
  std::string const word(20u << 20, 'x');
  BOOST_TEST(tenon::parse_json("\"" + word + "\"", "f").as_string().size() == word.size());
  auto const object = tenon::parse_json("{\"" + word + "\": 1}", "f");
  BOOST_TEST(object.as_object().begin()->key().size() == word.size());
}

BOOST_AUTO_TEST_SUITE_END()
