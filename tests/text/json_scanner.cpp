// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/json_scanner.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "text/random_pieces.hpp"

namespace {

using place = tenon::json_scanner::place;

/// Bytes of `text` that were taken before the scanner found the end or a fault, and which it was.
struct scanned {
  std::size_t bytes;
  place end;
};

scanned scan(std::string_view text) {
  tenon::json_scanner scanner;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const where = scanner.push(text[i]);
    if (where == place::complete || where == place::malformed) return {i, where};
  }
  return {text.size(), scanner.where()};
}

bool complete(std::string_view text) {
  auto const result = scan(text);
  auto const rest = text.substr(result.bytes < text.size() ? result.bytes + 1 : text.size());
  return result.end == place::complete && rest.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_scanner)

BOOST_AUTO_TEST_CASE(the_end_is_told_at_the_last_byte) {
  for (std::string_view const text :
       {"{}", "[]", " {\"a\": [1, -0.5e+3, true, false, null, \"\\u00e9}\\\"\"], \"b\" : {} }", "[[[]]]",
        "[0]"}) {
    BOOST_TEST_CONTEXT(text) {
      auto const result = scan(text);
      BOOST_TEST((result.end == place::complete));
      BOOST_TEST(result.bytes == text.size() - 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_fault_is_told_at_its_byte) {
  struct fault {
    std::string_view text;
    std::size_t at;
  };
  for (auto const& [text, at] :
       {fault{"}", 0},        fault{"\"a\"", 0},      fault{"1", 0},         fault{"[,", 1},
        fault{"[1,]", 3},     fault{"[1}", 2},        fault{"{1", 1},        fault{"{\"a\",", 4},
        fault{"{\"a\":}", 5}, fault{"{\"a\":1,}", 7}, fault{"[01", 2},       fault{"[1.]", 3},
        fault{"[1e]", 3},     fault{"[-]", 2},        fault{"[+1", 1},       fault{"[trua", 4},
        fault{"[\"a\nb", 3},  fault{"[\"\\x", 3},     fault{"[\"\\u00g", 6}, fault{"[1 2", 3},
        fault{"[.5", 1}}) {
    BOOST_TEST_CONTEXT(text) {
      auto const result = scan(text);
      BOOST_TEST((result.end == place::malformed));
      BOOST_TEST(result.bytes == at);
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_may_follow_the_end) {
  tenon::json_scanner scanner;
  scanner.push('[');
  BOOST_TEST((scanner.push(']') == place::complete));
  BOOST_TEST((scanner.push(' ') == place::malformed));
}

BOOST_AUTO_TEST_CASE(nesting_ends_at_64) {
  BOOST_TEST((scan(std::string(64, '[')).end == place::first_value));
  BOOST_TEST((scan(std::string(65, '[')).end == place::malformed));
}

BOOST_AUTO_TEST_CASE(random_texts_are_complete_where_boost_json_reads_them) {
  BOOST_TEST_MESSAGE("seed " << tenon_test::seed());
  constexpr std::string_view pieces[] = {
      "{",      "}", "[",    "]",    ",", ":",       "\"a\"", "\"b\\n\"",           "1",
      "-2.5e1", "0", "true", "null", " ", "{\"a\":", "[1",    "\"\\ud83d\\ude42\"", "e",
      ".",      "-", "\\"};
  tenon_test::piece_generator generator{tenon_test::seed()};
  std::size_t read = 0;
  for (auto left = tenon_test::scaled(200'000); left > 0; --left) {
    auto const text = (generator.below(2) == 0 ? "[" : "{") + generator.text(pieces, 8);
    boost::json::error_code failed;
    boost::json::parse(text, failed);
    read += failed ? 0 : 1;
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(complete(text) == !failed);
    }
  }
  BOOST_TEST(read > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
