// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/strict_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/random_pieces.hpp"

namespace {

using tenon::parse_strict_json;

/// Where the text is refused; nothing if it is read.
std::optional<std::size_t> refused_at(std::string_view text) {
  try {
    parse_strict_json(text);
    return std::nullopt;
  } catch (tenon::json_error const& failure) {
    return failure.offset();
  }
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

BOOST_AUTO_TEST_SUITE(strict_json)

BOOST_AUTO_TEST_CASE(values_are_read_and_keys_keep_their_order) {
  auto const value = parse_strict_json(" {\"b\": [1, -2.5, true, false, null, \"x\"], \"a\": {}}\r\n\t");
  BOOST_TEST(boost::json::serialize(value) == R"({"b":[1,-2.5E0,true,false,null,"x"],"a":{}})");
}

BOOST_AUTO_TEST_CASE(escapes_and_surrogate_pairs_become_utf8) {
  auto const value = parse_strict_json(R"("\"\\\/\b\f\n\r\t\u00e9\u4e16\ud83d\ude42\u0000")");
  BOOST_TEST((value.as_string() == boost::json::string_view{"\"\\/\b\f\n\r\té世🙂\0", 18}));
}

BOOST_AUTO_TEST_CASE(faults_are_found_at_their_byte) {
  std::vector<std::pair<std::string_view, std::size_t>> const cases = {
      {"", 0},
      {"  ", 2},
      {"nul", 0},
      {"[1,]", 3},
      {"[1 2]", 3},
      {"{\"a\":1,}", 7},
      {"{\"a\" 1}", 5},
      {"{a:1}", 1},
      {"1 x", 2},
      {"\"abc", 4},
      {"\"a\nb\"", 2},
      {R"("a\x")", 2},
      {R"("\u12g4")", 1},
      {"01", 2},
      {"-", 1},
      {"1.", 2},
      {"1e+", 3},
      {"+1", 0},
      {"NaN", 0},
      {"[Infinity]", 1},
      {"-Infinity", 1},
      {"'a'", 0},
      {"\xEF\xBB\xBF{}", 0},
  };
  for (auto const& [text, offset] : cases) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST((refused_at(text) == offset));
    }
  }
  BOOST_TEST((refused_at(std::string_view{"[1]\0", 4}) == 3U));
}

BOOST_AUTO_TEST_CASE(a_duplicate_key_is_refused_where_it_stands_again) {
  BOOST_TEST((refused_at(R"({"a": 1, "b": {"a": 2}, "a": 3})") == 24U));
  BOOST_TEST((refused_at(R"({"a": 1, "\u0061": 2})") == 9U));
  BOOST_CHECK_EXCEPTION(parse_strict_json(R"({"a":1,"a":1})"), tenon::json_error, [](auto const& failure) {
    return failure.code() == "invalid_json" &&
           std::string_view{failure.what()} == "invalid JSON at byte 7: duplicate key 'a'";
  });
}

BOOST_AUTO_TEST_CASE(lone_surrogates_and_invalid_utf8_are_refused) {
  BOOST_TEST((refused_at(R"("\ud800")") == 1U));
  BOOST_TEST((refused_at(R"("\ud800\u0041")") == 1U));
  BOOST_TEST((refused_at(R"("\udc00")") == 1U));
  BOOST_TEST((refused_at(R"("\ud800)") == 1U));
  BOOST_TEST((refused_at("\"a\xff\"") == 2U));
  BOOST_TEST((refused_at("\"\xc0\x80\"") == 1U));
  BOOST_TEST((refused_at("\"\xed\xa0\x80\"") == 1U));
  BOOST_TEST((refused_at("\"\xf4\x90\x80\x80\"") == 1U));
  BOOST_TEST((refused_at("\"\xe4\xb8\"") == 1U));
}

BOOST_AUTO_TEST_CASE(integers_beyond_64_bits_are_refused_not_rounded) {
  BOOST_TEST(parse_strict_json("9223372036854775807").as_int64() == INT64_MAX);
  BOOST_TEST(parse_strict_json("-9223372036854775808").as_int64() == INT64_MIN);
  BOOST_TEST(parse_strict_json("18446744073709551615").as_uint64() == UINT64_MAX);
  BOOST_TEST((refused_at("18446744073709551616") == 0U));
  BOOST_TEST((refused_at("[-9223372036854775809]") == 1U));
  BOOST_TEST(parse_strict_json("-0").as_int64() == 0);
}

BOOST_AUTO_TEST_CASE(doubles_are_rounded_correctly_and_overflow_is_refused) {
  BOOST_TEST(parse_strict_json("5.51e-10").as_double() == 5.51e-10);
  BOOST_TEST(parse_strict_json("8.41e+21").as_double() == 8.41e21);
  BOOST_TEST(parse_strict_json("0.1e1").as_double() == 1.0);
  BOOST_TEST(std::signbit(parse_strict_json("-0.0").as_double()));
  for (auto const* text : {"1e400", "-1e400", "1.8e308", "123456e99999999999999999999"}) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST((refused_at(text) == 0U));
    }
  }
  for (auto const* text :
       {"1e-400", "0.0000000000000000001e-310", "9e-99999999999999999999", "0e99999999999999999999"}) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(parse_strict_json(text).as_double() == 0.0);
    }
  }
  BOOST_TEST(std::signbit(parse_strict_json("-1e-400").as_double()));
  auto const long_fraction = "0." + std::string(400, '0') + "1";
  BOOST_TEST(parse_strict_json(long_fraction).as_double() == 0.0);
  BOOST_TEST(parse_strict_json(long_fraction + "e401").as_double() == 1.0);
  BOOST_TEST((refused_at("1" + std::string(400, '0') + ".0") == 0U));
}

BOOST_AUTO_TEST_CASE(nesting_ends_at_64) {
  BOOST_TEST((refused_at(nested(64)) == std::nullopt));
  BOOST_TEST((refused_at(nested(65)) == 64U));
  BOOST_TEST((refused_at(std::string(1'000'000, '[')) == 64U));
  BOOST_TEST((refused_at(std::string(100, '{')) == 1U));
}

BOOST_AUTO_TEST_CASE(random_texts_are_read_as_boost_json_reads_them_or_refused) {
  BOOST_TEST_MESSAGE("seed " << tenon_test::seed());
  constexpr std::string_view pieces[] = {"{",       "}",     "[",         "]",      ",",      ":",    "\"a\"",
                                         "\"b\"",   "1",     "-2",        "0",      "true",   "null", " ",
                                         "\"\\n\"", "[1,2]", "{\"c\":3}", "\"a\":", ",\"d\":"};
  tenon_test::piece_generator generator{tenon_test::seed()};
  std::size_t read = 0;
  for (auto left = tenon_test::scaled(200'000); left > 0; --left) {
    auto const text = generator.text(pieces, 8);
    boost::json::error_code failed;
    auto const expected = boost::json::parse(text, failed);
    auto const refused = refused_at(text);
    BOOST_TEST_CONTEXT(text) {
      if (failed) {
        BOOST_REQUIRE(refused.has_value());
      } else if (!refused) {
        ++read;
        BOOST_REQUIRE(parse_strict_json(text) == expected);
      } else {
        BOOST_REQUIRE(
            (text.find("\"a\"") != text.rfind("\"a\"") || text.find("\"d\"") != text.rfind("\"d\"")));
      }
    }
  }
  BOOST_TEST(read > 0U);
}

BOOST_AUTO_TEST_CASE(the_parsing_suite_is_answered_as_it_demands) {
  auto const* data = std::getenv("TENON_TEST_DATA");
  auto const folder = std::filesystem::path{data == nullptr ? "" : data} / "json_test_suite" / "test_parsing";
  if (data == nullptr || !std::filesystem::is_directory(folder)) {
    BOOST_TEST_MESSAGE("skipped: no json_test_suite below TENON_TEST_DATA");
    return;
  }
  std::size_t files = 0;
  for (auto const& entry : std::filesystem::directory_iterator{folder}) {
    std::ifstream file{entry.path(), std::ios::binary};
    std::string const text{std::istreambuf_iterator<char>{file}, {}};
    auto const name = entry.path().filename().string();
    // Duplicate keys are refused on purpose: two readers may take different ones.
    bool const duplicate = name.starts_with("y_object_duplicated_key");
    ++files;
    BOOST_TEST_CONTEXT(name) {
      auto const refused = refused_at(text);
      if (name.starts_with("y_")) BOOST_TEST(refused.has_value() == duplicate);
      if (name.starts_with("n_")) BOOST_TEST(refused.has_value());
      if (refused) BOOST_TEST(*refused <= text.size());
    }
  }
  BOOST_TEST(files == 318U);
}

BOOST_AUTO_TEST_SUITE_END()
