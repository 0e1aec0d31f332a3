// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/utf8.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

BOOST_AUTO_TEST_SUITE(utf8)

using tenon::utf8::sequence_state;

namespace {

std::string repaired(std::string_view bytes) {
  std::string out;
  if (tenon::utf8::append_repaired(out, bytes) > 0) out += tenon::utf8::replacement;
  return out;
}

std::string replacements(int count) {
  std::string text;
  while (count-- > 0) text += tenon::utf8::replacement;
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_code_point_survives_writing_and_reading) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c == 0xD800) c = 0xE000;
    std::string text;
    tenon::utf8::append(text, c);
    auto const read = tenon::utf8::decode(text, 0);
    BOOST_REQUIRE_EQUAL(static_cast<unsigned>(read.code_point), static_cast<unsigned>(c));
    BOOST_REQUIRE_EQUAL(read.length, text.size());
    auto const sequence = tenon::utf8::first_sequence(text);
    BOOST_REQUIRE(sequence.state == sequence_state::whole);
    BOOST_REQUIRE_EQUAL(sequence.length, text.size());
  }
}

BOOST_AUTO_TEST_CASE(the_first_bad_byte_is_found) {
  using tenon::utf8::find_invalid;
  BOOST_TEST(find_invalid("") == std::string_view::npos);
  BOOST_TEST(find_invalid("plain text, longer than a word") == std::string_view::npos);
  BOOST_TEST(find_invalid("h\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x98\x80") == std::string_view::npos);
  BOOST_TEST(find_invalid("12345678\x80") == 8U);
  BOOST_TEST(find_invalid("a\xC3\xA9\xC3") == 3U);             // the end inside a code point
  BOOST_TEST(find_invalid("a\xC0\xAF") == 1U);                 // overlong
  BOOST_TEST(find_invalid("\xED\xA0\x80") == 0U);              // a surrogate
  BOOST_TEST(find_invalid("ok\xF4\x90\x80\x80") == 2U);        // above U+10FFFF
  BOOST_TEST(find_invalid("\xE4\xB8\xAD\xE4\xB8\x2E") == 3U);  // a continuation is missing
}

BOOST_AUTO_TEST_CASE(a_sequence_cut_short_is_partial_and_not_broken) {
  auto const state = [](std::string_view bytes) { return tenon::utf8::first_sequence(bytes); };
  BOOST_TEST((state("\xF0\x9F\x98").state == sequence_state::partial));
  BOOST_TEST(state("\xF0\x9F\x98").length == 3U);
  BOOST_TEST((state("\xF0\x8F").state == sequence_state::broken));
  BOOST_TEST(state("\xF0\x8F").length == 1U);
  BOOST_TEST((state("\xE4\xB8\x41").state == sequence_state::broken));
  BOOST_TEST(state("\xE4\xB8\x41").length == 2U);
}

// The examples of the Unicode Standard, section 3.9, tables 3-8 to 3-11.
BOOST_AUTO_TEST_CASE(broken_sequences_are_replaced_by_maximal_subparts) {
  BOOST_TEST(repaired("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") == replacements(8) + "A");
  BOOST_TEST(repaired("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41") == replacements(8) + "A");
  BOOST_TEST(repaired("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") ==
             replacements(5) + "A" + replacements(2) + "B");
  BOOST_TEST(repaired("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == replacements(4) + "A");
  BOOST_TEST(repaired("a\xF0\x9F\x98") == "a" + replacements(1));
}

BOOST_AUTO_TEST_CASE(the_partial_end_is_left_to_the_caller) {
  std::string out = "kept ";
  BOOST_TEST(tenon::utf8::append_repaired(out, "b\xE4\xB8") == 2U);
  BOOST_TEST(out == "kept b");
}

BOOST_AUTO_TEST_SUITE_END()
