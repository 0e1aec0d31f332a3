// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/unicode_classes.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>

BOOST_AUTO_TEST_SUITE(unicode_classes)

using tenon::normalisation_kind;
using tenon::text_kind;

BOOST_AUTO_TEST_CASE(code_points_have_their_kind) {
  auto const& table = tenon::unicode_classes::table();
  auto const is = [&](char32_t c, text_kind kind) { return table.text(c) == kind; };
  for (char32_t const c :
       {U'a', U'Z', U'\u00E9', U'\u017F', U'\u4E2D', U'\u0561', U'\uAC00', U'\U00020000'}) {
    BOOST_TEST(is(c, text_kind::letter));
  }
  for (char32_t const c : {U'0', U'9', U'\u00B2', U'\u0663', U'\u2167', U'\U0001D7D8'})
    BOOST_TEST(is(c, text_kind::number));
  for (char32_t const c : {U'\t', U'\n', U'\r', U' ', U'\u0085', U'\u00A0', U'\u2028', U'\u3000'}) {
    BOOST_TEST(is(c, text_kind::space));
  }
  for (char32_t const c :
       {U'!', U'_', U'\u0301', U'\u180E', U'\u200B', U'\U0001F600', U'\U0010FFFF', U'\x1F'}) {
    BOOST_TEST(is(c, text_kind::other));
  }
}

BOOST_AUTO_TEST_CASE(code_points_say_what_normalisation_needs) {
  auto const& table = tenon::unicode_classes::table();
  auto const is = [&](char32_t c, normalisation_kind kind) { return table.normalisation(c) == kind; };
  BOOST_TEST(is(U'!', normalisation_kind::inert));
  BOOST_TEST(is(U'\u4E2D', normalisation_kind::inert));
  BOOST_TEST(is(U'e', normalisation_kind::base));
  BOOST_TEST(is(U'\u00E9', normalisation_kind::base));
  BOOST_TEST(is(U'\u0334', normalisation_kind::mark));
  BOOST_TEST(is(U'\u0301', normalisation_kind::check));
  BOOST_TEST(is(U'\u212B', normalisation_kind::check));
}

// Counted over all code points with the reference: a changed table is a changed tokenizer.
BOOST_AUTO_TEST_CASE(the_table_is_the_one_that_was_frozen) {
  auto const& table = tenon::unicode_classes::table();
  std::size_t counts[4] = {};
  for (char32_t c = 0; c < 0x110000; ++c) ++counts[static_cast<std::size_t>(table.text(c))];
  BOOST_TEST(counts[static_cast<std::size_t>(text_kind::letter)] == 141'028U);
  BOOST_TEST(counts[static_cast<std::size_t>(text_kind::number)] == 1'911U);
  BOOST_TEST(counts[static_cast<std::size_t>(text_kind::space)] == 25U);
}

BOOST_AUTO_TEST_SUITE_END()
