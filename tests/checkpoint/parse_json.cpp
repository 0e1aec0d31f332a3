// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/parse_json.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "checkpoint/error_text.hpp"

using tenon_test::check_error;

BOOST_AUTO_TEST_SUITE(parse_json)

BOOST_AUTO_TEST_CASE(values_and_key_order_survive) {
  auto const value = tenon::parse_json(R"( {"b": [1, -2, 2.5e3, null, true], "a": {"k": "v\u00e4"}} )", "f");
  auto const& object = value.get_object();
  BOOST_TEST(object.begin()->key() == "b");
  BOOST_TEST(object.at("b").get_array()[0].get_int64() == 1);
  BOOST_TEST(object.at("b").get_array()[2].get_double() == 2500.0);
  BOOST_TEST(object.at("a").get_object().at("k").get_string() == "v\xc3\xa4");
}

BOOST_AUTO_TEST_CASE(numbers_at_the_edge_of_64_bits) {
  BOOST_TEST(tenon::parse_json("[18446744073709551615]", "f").get_array()[0].get_uint64() == UINT64_MAX);
  BOOST_TEST(tenon::parse_json("[-9223372036854775808]", "f").get_array()[0].get_int64() == INT64_MIN);
  BOOST_TEST(tenon::parse_json("[1e300]", "f").get_array()[0].get_double() == 1e300);
  check_error([] { tenon::parse_json("[18446744073709551616]", "f"); }, "does not fit 64 bits");
  check_error([] { tenon::parse_json("[1.5, 123456789012345678901234567890]", "f"); },
              "does not fit 64 bits");
  check_error([] { tenon::parse_json("[1e400]", "f"); }, "too large for a double");
  check_error([] { tenon::parse_json("[-1.0e999]", "f"); }, "too large for a double");
}

BOOST_AUTO_TEST_CASE(duplicate_keys_are_refused_at_every_depth) {
  check_error([] { tenon::parse_json(R"({"a":1,"a":2})", "file"); },
              "file: expected strict JSON, found at byte");
  check_error([] { tenon::parse_json(R"({"x":[{"a":1,"b":{},"a":2}]})", "f"); }, "duplicate key 'a'");
  check_error([] { tenon::parse_json(R"({"\u0061":1,"a":2})", "f"); }, "duplicate key 'a'");
  BOOST_TEST(tenon::parse_json(R"({"a":{"a":1},"b":{"a":1}})", "f").is_object());
}

BOOST_AUTO_TEST_CASE(what_is_not_json_is_refused) {
  for (std::string const text : {"", " ", "{", "{\"a\":1,}", "[1] x", "[NaN]", "[Infinity]", "// c\n1", "'a'",
                                 "[01]", "[\"\\ud800\"]", "[\"\xff\"]", "{\"a\" 1}", "[1.]", "nul"}) {
    BOOST_TEST_CONTEXT(text) {
      check_error([&] { tenon::parse_json(text, "f"); }, "f: expected strict JSON, found at byte");
    }
  }
}

BOOST_AUTO_TEST_CASE(depth_is_bounded) {
  auto const nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  BOOST_TEST(tenon::parse_json(nested(64), "f").is_array());
  check_error([&] { tenon::parse_json(nested(65), "f"); }, "expected strict JSON");
  check_error([&] { tenon::parse_json(std::string(1000000, '['), "f"); }, "expected strict JSON");
}

BOOST_AUTO_TEST_SUITE_END()
