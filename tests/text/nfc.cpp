// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/nfc.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "tests/text/random_text.hpp"

BOOST_AUTO_TEST_SUITE(nfc)

using tenon::tests::random_text;

namespace {

std::string nfc_of(std::string_view text) {
  std::string storage;
  return std::string{tenon::nfc_normaliser{}.normalise(text, storage)};
}

/// utf8proc's own normalisation of the whole, an oracle for all code points that the reference knows too.
std::string oracle(std::string const& text) {
  std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> const result{
      utf8proc_NFC(reinterpret_cast<utf8proc_uint8_t const*>(text.c_str())), &std::free};
  return reinterpret_cast<char const*>(result.get());
}

/// Whether utf8proc may treat the code point other than the frozen table does.
bool newer_than_the_table(char32_t c) {
  if (tenon::unicode_classes::table().normalisation(c) >= tenon::normalisation_kind::mark) return false;
  auto const* const property = utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
  bool const known = tenon::unicode_classes::table().normalisation(c) == tenon::normalisation_kind::base;
  return property->combining_class != 0 || (!known && property->comb_index != 0xFFFF) ||
         (!known && property->decomp_seqindex != 0xFFFF && property->decomp_type == 0);
}

}  // namespace

BOOST_AUTO_TEST_CASE(marks_compose_with_their_base) {
  BOOST_TEST(nfc_of("cafe\xCC\x81") == "caf\xC3\xA9");
  BOOST_TEST(nfc_of("A\xCC\x8A and \xE2\x84\xAB") == "\xC3\x85 and \xC3\x85");   // the Angstrom sign too
  BOOST_TEST(nfc_of("\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8") == "\xEA\xB0\x81");  // Hangul
  BOOST_TEST(nfc_of("\xEA\xB0\x80\xE1\x86\xA8") == "\xEA\xB0\x81");              // a syllable and a final
  BOOST_TEST(nfc_of("<\xCC\xB8") == "\xE2\x89\xAE");                             // U+226E
}

BOOST_AUTO_TEST_CASE(marks_are_ordered_before_they_compose) {
  // e, acute, dot below: the dot goes first and takes the e; the acute stays.
  BOOST_TEST(nfc_of("e\xCC\x81\xCC\xA3") == "\xE1\xBA\xB9\xCC\x81");
  BOOST_TEST(nfc_of("\xC3\xA9\xCC\xA3") == "\xE1\xBA\xB9\xCC\x81");
  BOOST_TEST(nfc_of("x\xCC\x81\xCC\xA3") == "x\xCC\xA3\xCC\x81");
}

BOOST_AUTO_TEST_CASE(text_in_form_c_is_returned_itself) {
  tenon::nfc_normaliser const nfc;
  std::string storage;
  for (std::string const text : {"", "plain", "caf\xC3\xA9", "\xE4\xB8\xAD\xE6\x96\x87",
                                 "\xE0\xB8\x81\xE0\xB8\xB8", "q\xCC\x81", "\xEA\xB0\x81"}) {
    BOOST_TEST(nfc.normalise(text, storage).data() == text.data());
  }
}

// U+0898 came with Unicode 14 and has class 230, above U+0334's 1; U+11938 came with Unicode 13.
BOOST_AUTO_TEST_CASE(code_points_that_the_reference_does_not_know_are_left_alone) {
  for (std::string const text :
       {"a\xE0\xA2\x98\xCC\xB4", "a\xCD\x85\xE0\xA2\x98", "\xF0\x91\xA4\xB5\xF0\x91\xA4\xB0"}) {
    BOOST_TEST(nfc_of(text) == text);
  }
}

BOOST_AUTO_TEST_CASE(equal_to_utf8proc_on_what_both_know) {
  BOOST_TEST_MESSAGE("seed " << random_text::seed());
  random_text random;
  for (std::size_t i = random_text::scaled(100'000); i > 0; --i) {
    std::string text;
    for (std::size_t left = random.below(12); left > 0; --left) {
      char32_t c =
          random.below(3) == 0 ? 0x300 + static_cast<char32_t>(random.below(0x70)) : random.code_point();
      if (random.below(6) == 0) c = 0x1100 + static_cast<char32_t>(random.below(0x100));
      if (c == 0 || newer_than_the_table(c)) c = U'a';
      tenon::utf8::append(text, c);
    }
    std::string const normal = nfc_of(text);
    BOOST_REQUIRE_EQUAL(normal, oracle(text));
    BOOST_REQUIRE_EQUAL(nfc_of(normal), normal);
  }
}

// A quadratic sort would take minutes here.
BOOST_AUTO_TEST_CASE(a_long_run_of_marks_takes_no_quadratic_time) {
  std::string text = "a";
  std::size_t const half = random_text::scaled(300'000);
  for (std::size_t i = 0; i < half; ++i) text += "\xCC\x88";  // diaeresis, class 230
  for (std::size_t i = 0; i < half; ++i) text += "\xCC\xA3";  // dot below, class 220
  std::string const normal = nfc_of(text);
  BOOST_TEST(normal.size() == text.size());  // the a and one dot became a letter of three bytes
  BOOST_TEST(normal.starts_with("\xE1\xBA\xA1\xCC\xA3"));
  BOOST_TEST(normal.ends_with("\xCC\x88"));
}

BOOST_AUTO_TEST_SUITE_END()
