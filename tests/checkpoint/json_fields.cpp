// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/json_fields.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include "checkpoint/error_text.hpp"

using tenon_test::check_error;

namespace {

struct document {
  boost::json::value value;
  tenon::json_fields fields{value.get_object(), "config.json"};
};

document read(char const* text) {
  return {boost::json::parse(text)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_fields)

BOOST_AUTO_TEST_CASE(present_absent_and_null) {
  auto const d = read(R"({"i": 7, "d": 1e-6, "b": true, "s": "x", "n": null, "l": [1, 2], "o": {"k": 3}})");
  BOOST_TEST(d.fields.integer("i").value() == 7);
  BOOST_TEST(d.fields.number("i").value() == 7.0);
  BOOST_TEST(d.fields.number("d").value() == 1e-6);
  BOOST_TEST(d.fields.boolean("b").value());
  BOOST_TEST(d.fields.string("s").value() == "x");
  BOOST_TEST(!d.fields.integer("n"));
  BOOST_TEST(!d.fields.string("missing"));
  BOOST_TEST(d.fields.integers("l", {}).size() == 2u);
  BOOST_TEST(d.fields.integers("i", {}).front() == 7);
  BOOST_TEST(d.fields.object("o")->integer("k").value() == 3);
}

BOOST_AUTO_TEST_CASE(errors_name_file_key_expected_and_found) {
  auto const d = read(R"({"i": 7.5, "s": 3, "o": {"k": -1}, "l": [1, "a"]})");
  check_error([&] { d.fields.integer("i"); }, "config.json: key 'i': expected an integer, found 7.5");
  check_error([&] { d.fields.string("s"); }, "key 's': expected a string, found 3");
  check_error([&] { d.fields.boolean("s"); }, "key 's': expected true or false, found 3");
  check_error([&] { d.fields.object("s"); }, "key 's': expected an object, found 3");
  check_error([&] { d.fields.number("o"); }, "key 'o': expected a number, found {\"k\":-1}");
  check_error([&] { d.fields.integer("s", {.least = 4}); }, "expected an integer of at least 4, found 3");
  check_error([&] { d.fields.object("o")->integer("k", {.least = 0, .most = 9}); },
              "key 'o.k': expected an integer from 0 to 9, found -1");
  check_error([&] { d.fields.integers("l", {}); }, "key 'l': expected an integer, found \"a\"");
  check_error([&] { d.fields.required("x", d.fields.integer("x")); }, "config.json: key 'x' is missing");
}

BOOST_AUTO_TEST_CASE(long_values_are_cut_in_errors) {
  document const d{boost::json::object{{"s", std::string(5000, 'x')}}};
  BOOST_TEST(tenon_test::error_text([&] { d.fields.integer("s"); }).size() < 200u);
}

BOOST_AUTO_TEST_SUITE_END()
