// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/json_fault.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <string_view>
#include <variant>

#include "tenon/checkpoint/parse_json.hpp"

BOOST_AUTO_TEST_SUITE(json_fault)

BOOST_AUTO_TEST_CASE(faults_are_named_at_the_byte_where_they_begin) {
  struct expectation {
    std::string_view text;
    std::size_t offset;
    std::string_view message;
  };
  expectation const cases[] = {
      {"", 0, "expected a value"},
      {"{\"a\":", 5, "expected a value"},
      {"{a", 1, "expected a key in quotes or '}'"},
      {"[;", 1, "expected a value or ']'"},
      {"[1,]", 3, "expected another value, or a key in quotes"},
      {"{\"a\" 1}", 5, "expected ':' after a key"},
      {"{\"a\":\"b\" 1}", 9, "expected ',' or the end of the array or object"},
      {"[true e", 6, "expected ',' or the end of the array or object"},
      {"truex", 4, "expected the end of the text"},
      {"[tru", 1, "expected true, false or null"},
      {"[-01]", 4, "a number begins with a superfluous zero"},
      {"[1E+]", 4, "expected a digit"},
      {"[1e]", 3, "expected a digit"},
      {"[\"nul", 5, "expected the closing quote of a string"},
      {"[\"\\ud83d\\ude42", 14, "expected the closing quote of a string"},
      {"[\"\t\"]", 2, "control character in a string"},
      {"[\"a\xff\"]", 3, "invalid UTF-8 in a string"},
      {"[\"\\\"\\x\"]", 4, "unknown escape in a string"},
      {"[\"\\u\"e9\"]", 2, "expected four hexadecimal digits after \\u"},
      {"[\"a\\ud800\\n\"]", 3, "lone surrogate in a string"},
      {"[\"\\ud83d\\ude42\\ude42\"]", 14, "lone surrogate in a string"},
      {"{\"a\\\"\": 1, \"a\\u0022\": 2}", 11, "duplicate key 'a\"'"},
      {"{\"\": 1, \"\": 2}", 8, "duplicate key ''"},
      {"[1e-99999999999, \"e99999999999\", 1e400]", 33, "a number is too large for a double"},
      {"[0e99999999999, 1e99999999999]", 16, "a number is too large for a double"},
  };
  for (auto const& [text, offset, message] : cases) {
    BOOST_TEST_CONTEXT(text) {
      auto const result = tenon::detail::read_json(text);
      auto const* fault = std::get_if<tenon::json_fault>(&result);
      BOOST_REQUIRE(fault != nullptr);
      BOOST_TEST(fault->offset == offset);
      BOOST_TEST(fault->message == message);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
