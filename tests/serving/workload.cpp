// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/serving/workload.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <set>

#include "benchmarks/serving/plan.hpp"

BOOST_AUTO_TEST_SUITE(workload)

BOOST_AUTO_TEST_CASE(lengths_are_of_their_distribution) {
  std::mt19937_64 random{1};
  serving::lengths const fixed{"7"}, even{"uniform:3:5"}, skewed{"lognormal:100:0.5"};
  std::set<std::int32_t> drawn;
  std::vector<std::int32_t> tails;
  for (int i = 0; i < 2000; ++i) {
    BOOST_REQUIRE_EQUAL(fixed.draw(random), 7);
    drawn.insert(even.draw(random));
    tails.push_back(skewed.draw(random));
    BOOST_REQUIRE(tails.back() >= 1 && tails.back() <= 800);
  }
  BOOST_CHECK(drawn == (std::set<std::int32_t>{3, 4, 5}));
  std::ranges::sort(tails);
  BOOST_CHECK(tails[1000] > 90 && tails[1000] < 110);
  // One sigma above the median: 100 * exp(0.5) = 165.
  BOOST_CHECK(tails[1682] > 145 && tails[1682] < 185);
}

BOOST_AUTO_TEST_CASE(what_is_no_length_is_refused) {
  for (char const* text : {"", "0", "-3", "7x", "uniform:5:3", "uniform:5", "lognormal:0:1", "normal:3:4"})
    BOOST_CHECK_THROW(serving::lengths{text}, std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_number_and_a_seed_make_a_conversation) {
  serving::workload_settings wanted{
      .prompt_tokens = "uniform:5:50", .output_tokens = "uniform:1:9", .shared_prefix = 20, .turns = 2};
  serving::workload const one{wanted}, again{wanted};
  wanted.seed = 2;
  serving::workload const other{wanted};
  auto const words = [](std::string const& text) { return 1 + std::ranges::count(text, ' '); };
  std::set<std::string> texts;
  for (std::uint64_t i = 0; i < 50; ++i) {
    auto const made = one.make(i);
    BOOST_CHECK_EQUAL(made.turns.size(), 2u);
    BOOST_CHECK_EQUAL(words(made.system), 20);
    BOOST_CHECK_EQUAL(made.system, one.make(0).system);
    BOOST_CHECK_EQUAL(made.turns[0].text, again.make(i).turns[0].text);
    BOOST_CHECK_EQUAL(made.turns[1].max_tokens, again.make(i).turns[1].max_tokens);
    BOOST_CHECK(words(made.turns[0].text) >= 5 && words(made.turns[0].text) <= 50);
    texts.insert(made.turns[0].text);
    texts.insert(other.make(i).turns[0].text);
  }
  BOOST_CHECK_EQUAL(texts.size(), 100u);
}

BOOST_AUTO_TEST_CASE(conversations_are_read_from_a_file) {
  auto const path =
      (std::filesystem::temp_directory_path() / ("tenon-workload-" + std::to_string(::getpid()))).string();
  std::ofstream{path} << "{\"prompt\": \"hello\", \"max_tokens\": 3}\n\n"
                         "{\"system\": \"s\", \"turns\": [{\"text\": \"a\", \"max_tokens\": 4}, {\"text\": "
                         "\"b\", \"max_tokens\": 5}]}\n";
  serving::workload_settings const wanted{.file = path};
  serving::workload const read{wanted};
  BOOST_CHECK_EQUAL(read.make(0).turns[0].text, "hello");
  BOOST_CHECK_EQUAL(read.make(3).turns[1].max_tokens, 5);
  BOOST_CHECK_EQUAL(read.make(3).system, "s");
  std::filesystem::remove(path);
  BOOST_CHECK_THROW(serving::workload{wanted}, std::runtime_error);
}

BOOST_AUTO_TEST_CASE(an_open_loop_has_its_rate) {
  auto const found = serving::arrivals(50, 100, 1);
  BOOST_CHECK(std::ranges::is_sorted(found));
  BOOST_CHECK_LT(found.back(), 100);
  BOOST_CHECK(found.size() > 4700 && found.size() < 5300);
  // Gaps of a Poisson process: as many below the median ln(2) / rate as above.
  std::size_t shorter = 0;
  for (std::size_t i = 1; i < found.size(); ++i) shorter += found[i] - found[i - 1] < 0.693147 / 50 ? 1 : 0;
  BOOST_CHECK(shorter > found.size() * 46 / 100 && shorter < found.size() * 54 / 100);
}

BOOST_AUTO_TEST_SUITE_END()
