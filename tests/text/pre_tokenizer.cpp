// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/pre_tokenizer.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "tests/text/random_text.hpp"

BOOST_AUTO_TEST_SUITE(pre_tokenizer)

using tenon::tests::random_text;
using pieces = std::vector<std::string>;

namespace {

pieces split(std::string_view text) {
  pieces found;
  tenon::qwen_pre_tokenizer{}.split(text, [&](std::string_view piece) { found.emplace_back(piece); });
  return found;
}

/// A pattern of PCRE2 with Unicode classes.
class pcre2_pattern {
 public:
  explicit pcre2_pattern(std::string_view pattern) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP,
                          &error, &offset, nullptr);
    if (code_ == nullptr) throw std::runtime_error{"PCRE2 refuses the pattern at " + std::to_string(offset)};
    match_ = pcre2_match_data_create_from_pattern(code_, nullptr);
  }
  pcre2_pattern(pcre2_pattern const&) = delete;
  pcre2_pattern& operator=(pcre2_pattern const&) = delete;
  ~pcre2_pattern() {
    pcre2_match_data_free(match_);
    pcre2_code_free(code_);
  }

  pieces split(std::string_view text) const {
    pieces found;
    for (std::size_t at = 0; at < text.size();) {
      int const groups =
          pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, 0, match_, nullptr);
      if (groups < 0) throw std::runtime_error{"PCRE2 matches nothing at " + std::to_string(at)};
      PCRE2_SIZE const* const range = pcre2_get_ovector_pointer(match_);
      if (range[0] != at || range[1] == at)
        throw std::runtime_error{"PCRE2 leaves a gap at " + std::to_string(at)};
      found.emplace_back(text.substr(at, range[1] - at));
      at = range[1];
    }
    return found;
  }

  bool matches(std::string_view text) const {
    return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, match_, nullptr) >
           0;
  }

 private:
  pcre2_code* code_ = nullptr;
  pcre2_match_data* match_ = nullptr;
};

/// Code points to which PCRE2's version of Unicode gives another kind than the frozen table.
std::set<char32_t> disputed_code_points() {
  pcre2_pattern const letter{R"(\A\p{L}\z)"};
  pcre2_pattern const number{R"(\A\p{N}\z)"};
  pcre2_pattern const space{R"(\A\s\z)"};
  std::set<char32_t> disputed;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c == 0xD800) c = 0xE000;
    std::string text;
    tenon::utf8::append(text, c);
    auto const kind = letter.matches(text)   ? tenon::text_kind::letter
                      : number.matches(text) ? tenon::text_kind::number
                      : space.matches(text)  ? tenon::text_kind::space
                                             : tenon::text_kind::other;
    if (kind != tenon::unicode_classes::table().text(c)) disputed.insert(c);
  }
  return disputed;
}

}  // namespace

BOOST_AUTO_TEST_CASE(words_keep_the_space_before_them) {
  BOOST_TEST((split("Hello  big world") == pieces{"Hello", " ", " big", " world"}));
  BOOST_TEST((split("a\tb") == pieces{"a", "\tb"}));
  BOOST_TEST((split("(word)") == pieces{"(word", ")"}));
  BOOST_TEST((split("") == pieces{}));
}

BOOST_AUTO_TEST_CASE(digits_stand_alone) {
  BOOST_TEST((split("in 2026!") == pieces{"in", " ", "2", "0", "2", "6", "!"}));
}

BOOST_AUTO_TEST_CASE(contractions_are_cut_off_in_any_case) {
  BOOST_TEST((split("it's I'LL we'rex") == pieces{"it", "'s", " I", "'LL", " we", "'re", "x"}));
  BOOST_TEST((split("it'\xC5\xBF so") == pieces{"it", "'\xC5\xBF", " so"}));  // the long s
  BOOST_TEST((split("o'clock l'lama") == pieces{"o", "'clock", " l", "'lama"}));
  BOOST_TEST((split(" 's") == pieces{" '", "s"}));
}

BOOST_AUTO_TEST_CASE(symbols_take_the_line_breaks_after_them) {
  BOOST_TEST((split("end;\r\n\nnext") == pieces{"end", ";\r\n\n", "next"}));
  BOOST_TEST((split("a == b") == pieces{"a", " ==", " b"}));
}

BOOST_AUTO_TEST_CASE(spaces_go_up_to_the_last_line_break_or_leave_one_for_the_word) {
  BOOST_TEST((split("a \n \n  b") == pieces{"a", " \n \n", " ", " b"}));
  BOOST_TEST((split("a   ") == pieces{"a", "   "}));
  BOOST_TEST((split("a   1") == pieces{"a", "  ", " ", "1"}));
  BOOST_TEST((split("\xC2\xA0x \xC2\xA0x") == pieces{"\xC2\xA0x", " ", "\xC2\xA0x"}));
}

BOOST_AUTO_TEST_CASE(pcre2_cuts_random_text_the_same_way) {
  BOOST_TEST_MESSAGE("seed " << random_text::seed());
  auto const disputed = disputed_code_points();
  BOOST_TEST_MESSAGE("code points left out, of another kind in PCRE2's Unicode: " << disputed.size());
  BOOST_TEST(disputed.size() < 20'000U);
  BOOST_TEST((disputed.empty() || *disputed.begin() > 0x17FU));
  pcre2_pattern const oracle{tenon::qwen_pre_tokenizer::pattern};
  random_text random;
  for (std::size_t i = random_text::scaled(100'000); i > 0; --i) {
    std::string const drawn = random.text(20);
    std::string text;
    for (std::size_t at = 0; at < drawn.size();) {
      auto const c = tenon::utf8::decode(drawn, at);
      tenon::utf8::append(text, disputed.contains(c.code_point) ? U'a' : c.code_point);
      at += c.length;
    }
    auto const expected = oracle.split(text);
    auto const found = split(text);
    BOOST_REQUIRE_EQUAL_COLLECTIONS(found.begin(), found.end(), expected.begin(), expected.end());
  }
}

BOOST_AUTO_TEST_SUITE_END()
