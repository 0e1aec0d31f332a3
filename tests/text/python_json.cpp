// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/python_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace {

std::string float_text(double value) {
  std::string out;
  tenon::append_python_float(out, value);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(python_json)

BOOST_AUTO_TEST_CASE(floats_are_spelled_as_repr_spells_them) {
  // Right sides as CPython 3.11 prints them.
  std::vector<std::pair<double, std::string>> const cases = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {1.0, "1.0"},
      {-2.5, "-2.5"},
      {0.1, "0.1"},
      {100.0, "100.0"},
      {1234567890.125, "1234567890.125"},
      {0.0001, "0.0001"},
      {0.00012345, "0.00012345"},
      {0.00001, "1e-05"},
      {1.5e-7, "1.5e-07"},
      {1e15, "1000000000000000.0"},
      {9999999999999998.0, "9999999999999998.0"},
      {1e16, "1e+16"},
      {1.2345678901234568e17, "1.2345678901234568e+17"},
      {1e22, "1e+22"},
      {1e100, "1e+100"},
      {-1e-100, "-1e-100"},
      {5e-324, "5e-324"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {2.2250738585072014e-308, "2.2250738585072014e-308"},
      {1.0 / 3.0, "0.3333333333333333"},
      {123456789012345680.0, "1.2345678901234568e+17"},
  };
  for (auto const& [value, text] : cases) BOOST_TEST(float_text(value) == text);
}

BOOST_AUTO_TEST_CASE(values_that_are_no_numbers_are_spelled_as_json_dumps_does) {
  BOOST_TEST(float_text(std::numeric_limits<double>::infinity()) == "Infinity");
  BOOST_TEST(float_text(-std::numeric_limits<double>::infinity()) == "-Infinity");
  BOOST_TEST(float_text(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}

BOOST_AUTO_TEST_CASE(only_quotes_backslashes_and_control_characters_are_escaped) {
  BOOST_TEST(tenon::python_json("a\"b\\c/d") == R"("a\"b\\c/d")");
  BOOST_TEST(tenon::python_json("\n\r\t\f\b") == R"("\n\r\t\f\b")");
  BOOST_TEST(tenon::python_json("\x01\x1f\x7f") == "\"\\u0001\\u001f\x7f\"");
  BOOST_TEST(tenon::python_json(boost::json::string_view{"\0", 1}) == "\"\\u0000\"");
  BOOST_TEST(tenon::python_json("<b>&'</b> é 世 🙂 \u2028") == "\"<b>&'</b> é 世 🙂 \u2028\"");
}

BOOST_AUTO_TEST_CASE(separators_and_key_order_are_those_of_json_dumps) {
  boost::json::object const value = {{"z", boost::json::array{1, -2, true, false, nullptr}},
                                     {"a", boost::json::object{{"empty list", boost::json::array{}},
                                                               {"empty object", boost::json::object{}}}},
                                     {"é", 1.0}};
  BOOST_TEST(tenon::python_json(value) ==
             R"({"z": [1, -2, true, false, null], "a": {"empty list": [], "empty object": {}}, "é": 1.0})");
}

BOOST_AUTO_TEST_CASE(integers_keep_every_digit) {
  BOOST_TEST(tenon::python_json(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  BOOST_TEST(tenon::python_json(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
}

BOOST_AUTO_TEST_SUITE_END()
