// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/stream_decoder.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "tests/text/random_text.hpp"

BOOST_AUTO_TEST_SUITE(stream_decoder)

using tenon::tests::random_text;

BOOST_AUTO_TEST_CASE(half_a_code_point_waits_for_the_other_half) {
  tenon::stream_decoder decoder;
  BOOST_TEST(decoder.push("caf\xC3") == "caf");
  BOOST_TEST(decoder.held_bytes() == 1U);
  BOOST_TEST(decoder.push("\xA9!") == "\xC3\xA9!");
  BOOST_TEST(decoder.held_bytes() == 0U);
  BOOST_TEST(decoder.flush() == "");
}

BOOST_AUTO_TEST_CASE(an_emoji_may_come_byte_by_byte) {
  tenon::stream_decoder decoder;
  BOOST_TEST(decoder.push("\xF0") == "");
  BOOST_TEST(decoder.push("\x9F") == "");
  BOOST_TEST(decoder.push("") == "");
  BOOST_TEST(decoder.push("\x98") == "");
  BOOST_TEST(decoder.push("\x80") == "\xF0\x9F\x98\x80");
}

BOOST_AUTO_TEST_CASE(what_cannot_become_a_code_point_is_replaced_at_once) {
  tenon::stream_decoder decoder;
  BOOST_TEST(decoder.push("\xE4\xB8") == "");
  BOOST_TEST(decoder.push("x") == "\xEF\xBF\xBDx");
  BOOST_TEST(decoder.push("\xFF") == "\xEF\xBF\xBD");
  BOOST_TEST(decoder.push("\xE4") == "");
  BOOST_TEST(decoder.push("\xE4\xB8\xAD") == "\xEF\xBF\xBD\xE4\xB8\xAD");
}

BOOST_AUTO_TEST_CASE(the_end_replaces_what_is_held_back_and_starts_anew) {
  tenon::stream_decoder decoder;
  decoder.push("\xF0\x9F\x98");
  BOOST_TEST(decoder.flush() == "\xEF\xBF\xBD");
  BOOST_TEST(decoder.flush() == "");
  BOOST_TEST(decoder.push("\x80") == "\xEF\xBF\xBD");
}

// Expected texts from Python 3: bytes.decode("utf-8", errors="replace").
BOOST_AUTO_TEST_CASE(the_whole_equals_pythons_replacement) {
  constexpr std::string_view cases[][2] = {
      {"\xF0\x9F\x98\xE4\xB8\xAD", "\xEF\xBF\xBD\xE4\xB8\xAD"},
      {"\xF0\x9F\xF0\x9F\x98\x80", "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
      {"\xE0\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xC3\xC3\xA9\xC3", "\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD"},
      {"\xF4\x8F\xBF\xBF\xF4\x90", "\xF4\x8F\xBF\xBF\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (auto const& [bytes, expected] : cases) {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      tenon::stream_decoder decoder;
      std::string text = decoder.push(bytes.substr(0, cut));
      decoder.push(bytes.substr(cut), text);
      decoder.flush(text);
      BOOST_TEST(text == expected);
    }
  }
}

BOOST_AUTO_TEST_CASE(cutting_anywhere_changes_nothing) {
  BOOST_TEST_MESSAGE("seed " << random_text::seed());
  random_text random;
  for (std::size_t i = random_text::scaled(50'000); i > 0; --i) {
    std::string bytes = random.text(6);
    if (random.below(2) == 0) bytes.insert(random.below(bytes.size() + 1), random.bytes(6));
    if (random.below(2) == 0) bytes.resize(random.below(bytes.size() + 1));
    tenon::stream_decoder whole;
    std::string expected = whole.push(bytes);
    whole.flush(expected);

    tenon::stream_decoder decoder;
    std::string text;
    for (std::string_view left = bytes; !left.empty();) {
      std::size_t const size = 1 + random.below(left.size());
      decoder.push(left.substr(0, size), text);
      BOOST_REQUIRE_EQUAL(tenon::utf8::find_invalid(text), std::string::npos);
      BOOST_REQUIRE_LE(decoder.held_bytes(), 3U);
      left.remove_prefix(size);
    }
    decoder.flush(text);
    BOOST_REQUIRE_EQUAL(text, expected);
  }
}

BOOST_AUTO_TEST_SUITE_END()
