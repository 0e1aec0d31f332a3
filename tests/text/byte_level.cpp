// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/byte_level.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

BOOST_AUTO_TEST_SUITE(byte_level)

using tenon::byte_level::append_bytes;

BOOST_AUTO_TEST_CASE(every_byte_has_a_letter_of_its_own_and_comes_back) {
  std::set<char32_t> seen;
  for (unsigned b = 0; b < 256; ++b) {
    char32_t const letter = tenon::byte_level::letter(static_cast<unsigned char>(b));
    BOOST_TEST(seen.insert(letter).second);
    std::string text;
    std::string bytes;
    tenon::utf8::append(text, letter);
    BOOST_TEST(append_bytes(text, bytes));
    BOOST_TEST(bytes == std::string(1, static_cast<char>(b)));
  }
}

BOOST_AUTO_TEST_CASE(letters_are_those_of_gpt2) {
  std::string bytes = "kept";
  BOOST_TEST(append_bytes("Ġhéllo", bytes));
  BOOST_TEST(bytes == "kept h\xE9llo");
  bytes.clear();
  BOOST_TEST(append_bytes("ĊĉčĀÃ©Ń", bytes));
  BOOST_TEST(bytes == std::string("\n\t\r\0\xC3\xA9\xAD", 7));
}

BOOST_AUTO_TEST_CASE(other_letters_are_refused_and_change_nothing) {
  std::string bytes = "kept";
  for (char const* token : {"a b", "ab中", "ab\xC2\xA0", "n\xC5\x84"}) {
    BOOST_TEST(!append_bytes(token, bytes));
    BOOST_TEST(bytes == "kept");
  }
}

BOOST_AUTO_TEST_SUITE_END()
