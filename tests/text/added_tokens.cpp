// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/added_tokens.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/text/random_text.hpp"

BOOST_AUTO_TEST_SUITE(added_tokens)

using tenon::added_token;
using tenon::added_token_matcher;
using tenon::tests::random_text;

BOOST_AUTO_TEST_CASE(without_tokens_nothing_matches) {
  BOOST_TEST(!added_token_matcher{}.find("<|end|>", 0).has_value());
  BOOST_TEST(!added_token_matcher{}.find_by_name("").has_value());
}

BOOST_AUTO_TEST_CASE(the_leftmost_match_wins_and_then_the_longest) {
  added_token_matcher const matcher{
      {{"<a", 1, true}, {"<ab>", 2, true}, {"b>", 3, false}, {"<abc", 4, false}}};
  auto const first = matcher.find("x<ab>", 0);
  BOOST_REQUIRE(first.has_value());
  BOOST_TEST(first->id == 2);
  BOOST_TEST(first->begin == 1U);
  BOOST_TEST(first->end == 5U);
  BOOST_TEST(matcher.find("x<ab>", 2)->id == 3);
  BOOST_TEST(matcher.find("<ab", 0)->id == 1);
  BOOST_TEST(matcher.find("<abc>", 0)->id == 4);
  BOOST_TEST(!matcher.find("< ab", 0).has_value());
}

BOOST_AUTO_TEST_CASE(tokens_are_found_by_their_whole_name) {
  added_token_matcher const matcher{{{"<think>", 10, false}, {"<|im_end|>", 11, true}}};
  BOOST_TEST(matcher.find_by_name("<think>").value() == 10);
  BOOST_TEST(matcher.find_by_name("<|im_end|>").value() == 11);
  BOOST_TEST(!matcher.find_by_name("<think").has_value());
}

BOOST_AUTO_TEST_CASE(equal_to_trying_every_token_everywhere) {
  BOOST_TEST_MESSAGE("seed " << random_text::seed());
  random_text random;
  auto const letters = [&](std::size_t most) {
    std::string text(1 + random.below(most), 'a');
    for (char& c : text) c = static_cast<char>('a' + random.below(3));
    return text;
  };
  for (std::size_t round = random_text::scaled(20'000); round > 0; --round) {
    std::vector<added_token> tokens;
    for (std::size_t i = random.below(5); i > 0; --i) {
      std::string content = random.below(2) == 0 ? "a" + letters(3) : letters(4);
      bool known = false;
      for (auto const& token : tokens) known = known || token.content == content;
      if (!known) tokens.push_back({content, static_cast<tenon::token_id>(tokens.size()), false});
    }
    std::string const text = letters(12);
    std::size_t const from = random.below(text.size() + 1);
    std::optional<added_token> expected;
    std::size_t at = from;
    for (; at < text.size() && !expected; ++at) {
      for (auto const& token : tokens) {
        if (std::string_view{text}.substr(at).starts_with(token.content) &&
            (!expected || token.content.size() > expected->content.size())) {
          expected = token;
        }
      }
    }
    auto const found = added_token_matcher{tokens}.find(text, from);
    BOOST_REQUIRE_EQUAL(found.has_value(), expected.has_value());
    if (!found) continue;
    BOOST_REQUIRE_EQUAL(found->id, expected->id);
    BOOST_REQUIRE_EQUAL(found->begin, at - 1);
    BOOST_REQUIRE_EQUAL(found->end, at - 1 + expected->content.size());
  }
}

BOOST_AUTO_TEST_SUITE_END()
