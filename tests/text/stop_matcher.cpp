// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/stop_matcher.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/random_pieces.hpp"

namespace {

struct cut_text {
  std::string text;
  std::optional<std::size_t> stop;
};

/// The specification: the match that ends first, of those the longest, of equal ones the first in the list.
cut_text naive(std::string_view text, std::vector<std::string> const& stops, bool include) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < stops.size(); ++i) {
      bool const longer = !best || stops[i].size() > stops[*best].size();
      if (text.substr(0, end).ends_with(stops[i]) && longer) best = i;
    }
    if (best) return {std::string{text.substr(0, include ? end : end - stops[*best].size())}, best};
  }
  return {std::string{text}, std::nullopt};
}

cut_text streamed(std::vector<std::string_view> const& pieces, std::vector<std::string> stops, bool include) {
  tenon::stop_matcher matcher{std::move(stops), include};
  std::string text;
  for (auto const piece : pieces) text += matcher.push(piece);
  text += matcher.flush();
  return {text, matcher.matched()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stop_matcher)

BOOST_AUTO_TEST_CASE(text_ends_before_a_stop_string_that_spans_pieces) {
  tenon::stop_matcher matcher{{"\nUser:", "STOP"}};
  BOOST_TEST(matcher.push("Hello\nUs") == "Hello");
  BOOST_TEST(!matcher.stopped());
  BOOST_TEST(matcher.push("age\nUse") == "\nUsage");
  BOOST_TEST(matcher.push("r: more") == "");
  BOOST_TEST(matcher.stopped());
  BOOST_TEST(matcher.matched().value() == 0U);
  BOOST_TEST(matcher.push("even more") == "");
  BOOST_TEST(matcher.flush() == "");
}

BOOST_AUTO_TEST_CASE(the_stop_string_stays_where_asked) {
  tenon::stop_matcher matcher{{"</answer>"}, true};
  BOOST_TEST(matcher.push("42</ans") == "42</ans");
  BOOST_TEST(matcher.push("wer> and more") == "wer>");
  BOOST_TEST(matcher.stopped());
}

BOOST_AUTO_TEST_CASE(the_match_complete_first_wins_and_the_longest_of_those) {
  BOOST_TEST(streamed({"abcd"}, {"abcd", "bc"}, false).text == "a");
  auto const longest = streamed({"xab"}, {"b", "ab"}, false);
  BOOST_TEST(longest.text == "x");
  BOOST_TEST(longest.stop.value() == 1U);
}

BOOST_AUTO_TEST_CASE(held_text_comes_out_at_the_end) {
  tenon::stop_matcher matcher{{"世界"}};
  BOOST_TEST(matcher.push("世") == "");
  BOOST_TEST(matcher.flush() == "世");
  BOOST_TEST(!matcher.stopped());
}

BOOST_AUTO_TEST_CASE(without_stop_strings_text_passes) {
  tenon::stop_matcher matcher{{}};
  BOOST_TEST(matcher.push("abc") == "abc");
  BOOST_TEST(!matcher.stopped());
}

BOOST_AUTO_TEST_CASE(empty_or_too_many_stop_strings_are_refused) {
  BOOST_CHECK_EXCEPTION((tenon::stop_matcher{{"a", ""}}), tenon::request_error, [](auto const& failure) {
    return failure.parameter() == "stop[1]" && failure.code() == "invalid_value";
  });
  BOOST_CHECK_EXCEPTION((tenon::stop_matcher{{"a", "b", "c", "d", "e"}}), tenon::request_error,
                        [](auto const& failure) { return failure.parameter() == "stop"; });
}

BOOST_AUTO_TEST_CASE(any_cut_equals_the_search_in_the_whole_text) {
  BOOST_TEST_MESSAGE("seed " << tenon_test::seed());
  constexpr std::string_view pieces[] = {"a", "b", "aa", "ab", "é", "è", "世"};
  tenon_test::piece_generator generator{tenon_test::seed()};
  std::size_t stopped = 0;
  for (auto left = tenon_test::scaled(100'000); left > 0; --left) {
    auto const text = generator.text(pieces, 16);
    std::vector<std::string> stops(generator.below(5));
    for (auto& stop : stops) stop = std::string{pieces[generator.below(7)]} + generator.text(pieces, 3);
    bool const include = generator.below(2) == 0;
    auto const expected = naive(text, stops, include);
    auto const found = streamed(generator.cuts(text), stops, include);
    stopped += expected.stop.has_value() ? 1 : 0;
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(found.text == expected.text);
      BOOST_REQUIRE((found.stop == expected.stop));
    }
  }
  BOOST_TEST(stopped > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
