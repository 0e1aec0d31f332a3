// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/tool_call_reader.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <string>
#include <string_view>

namespace {

/// Bytes of `text` that belong to a call, and the call.
struct reading {
  std::size_t bytes = 0;
  tenon::tool_call_reader reader;
};

reading read(std::string_view text) {
  reading result;
  while (result.bytes < text.size() && result.reader.push(text[result.bytes])) ++result.bytes;
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tool_call_reader)

BOOST_AUTO_TEST_CASE(name_and_arguments_are_read_in_either_order) {
  for (
      std::string_view const text :
      {R"({"name": "f\u0041\n", "arguments": {"a": [1, "}"], "name": 2}})",
       R"({ "arguments" : {"a": [1, "}"], "name": 2} , "name" : "fA\n" })",
       R"({"id": 1.5, "name": "fA\n", "x": {"name": "g", "arguments": 1}, "arguments": {"a": [1, "}"], "name": 2}})"}) {
    BOOST_TEST_CONTEXT(text) {
      auto call = read(text);
      BOOST_TEST(call.bytes == text.size());
      BOOST_TEST(call.reader.complete());
      BOOST_TEST(call.reader.name() == "fA\n");
      BOOST_TEST(call.reader.take_arguments() == R"({"a": [1, "}"], "name": 2})");
      BOOST_TEST(call.reader.take_arguments() == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(arguments_end_at_their_own_brace) {
  auto call = read(R"({"name": "f", "arguments": { "a": 1 } , "x": [ 1 ] })");
  BOOST_TEST(call.reader.complete());
  BOOST_TEST(call.reader.take_arguments() == R"({ "a": 1 })");
}

BOOST_AUTO_TEST_CASE(a_call_has_begun_when_name_and_first_brace_are_there) {
  BOOST_TEST(!read(R"({"name": "f", "arguments": )").reader.begun());
  BOOST_TEST(read(R"({"name": "f", "arguments": {)").reader.begun());
  BOOST_TEST(!read(R"({"arguments": {"a": 1}, "name": "f)").reader.begun());
  BOOST_TEST(read(R"({"arguments": {"a": 1}, "name": "f")").reader.begun());
}

BOOST_AUTO_TEST_CASE(what_is_no_call_ends_at_the_byte_that_shows_it) {
  struct fault {
    std::string_view text;
    std::size_t at;
  };
  for (auto const& [text, at] :
       {fault{"[", 0}, fault{"{}", 1}, fault{R"({"name": 1})", 9}, fault{R"({"name": ""})", 10},
        fault{R"({"name": "f", "name": "g"})", 22}, fault{R"({"name": "\ud800"})", 16},
        fault{R"({"\udc00": 1})", 8}, fault{R"({"name": "f", "arguments": "{}"})", 27},
        fault{R"({"name": "f", "arguments": []})", 27}, fault{R"({"name": "f"})", 12},
        fault{R"({"arguments": {}})", 16}, fault{R"({"arguments": {}, "arguments": {}})", 31},
        fault{R"({"name": "f", "arguments": {"a": }})", 33}, fault{R"({"name": "f", "arguments": {]})", 28},
        fault{R"({"name": "f", "arguments": {}} )", 30}}) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(read(text).bytes == at);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
