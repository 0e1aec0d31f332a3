// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/candidate.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "conformance/sampling_bench.hpp"

using namespace tenon;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

std::vector<candidate> sorted(std::vector<float> const& logits) {
  std::vector<candidate> all;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > -infinity) all.push_back({logits[i], static_cast<token_id>(i)});
  }
  std::ranges::stable_sort(all, [](auto a, auto b) { return a.logit > b.logit; });
  return all;
}

/// Vocabularies below and above the selection's room, with ties and ids that cannot be chosen.
std::vector<float> some_logits(std::mt19937_64& random) {
  auto logits = conformance::random_logits(random, static_cast<std::int32_t>(1 + random() % 6000));
  for (auto& logit : logits) {
    if (random() % 50 == 0) logit = -infinity;
  }
  return logits;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(candidate)

BOOST_AUTO_TEST_CASE(logits_that_are_no_numbers) {
  BOOST_TEST(usable_logit(1.5f) == 1.5f);
  BOOST_TEST(usable_logit(std::numeric_limits<float>::quiet_NaN()) == -infinity);
  BOOST_TEST(usable_logit(infinity) == std::numeric_limits<float>::max());
  BOOST_TEST(usable_logit(-infinity) == -infinity);
}

BOOST_AUTO_TEST_CASE(lowest_id_wins_ties) {
  std::vector<float> const logits{1.0f, 5.0f, 5.0f, 2.0f, 5.0f};
  BOOST_TEST(best_candidate(logits).id == 1);
  std::vector<tenon::candidate> room(logits.size());
  auto best = k_best(logits, 2, room);
  std::ranges::sort(best, precedes);
  BOOST_TEST_REQUIRE(best.size() == 2u);
  BOOST_TEST(best[0].id == 1);
  BOOST_TEST(best[1].id == 2);
}

BOOST_AUTO_TEST_CASE(k_best_is_the_head_of_the_sorted_list) {
  auto const seed = conformance::sampling_test_seed(5);
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << seed);
  std::mt19937_64 random{seed};
  for (int round = 0; round < 300; ++round) {
    auto const logits = some_logits(random);
    auto const expected = sorted(logits);
    std::size_t const k = random() % (logits.size() + 2);
    std::vector<tenon::candidate> room(logits.size());
    auto best = k_best(logits, k, room);
    std::ranges::sort(best, precedes);
    BOOST_TEST_REQUIRE(best.size() == std::min(k, expected.size()));
    BOOST_TEST_REQUIRE(std::ranges::equal(best, std::span{expected}.first(best.size())));
  }
}

BOOST_AUTO_TEST_CASE(mass_is_reached_by_the_fewest) {
  auto const seed = conformance::sampling_test_seed(6);
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << seed);
  std::mt19937_64 random{seed};
  for (int round = 0; round < 300; ++round) {
    auto const expected = sorted(some_logits(random));
    if (expected.empty()) continue;
    auto shuffled = expected;
    std::ranges::shuffle(shuffled, random);
    auto const weight = [](tenon::candidate c) {
      return static_cast<double>(1 + (c.id * 7) % 5);
    };  // exact sums
    double total = 0.0;
    for (auto const& c : expected) total += weight(c);
    double const mass = std::floor(total * std::uniform_real_distribution<>{}(random)) + 0.5;
    double reached = 0.0;
    std::size_t i = 0;
    while (reached < mass && i < expected.size()) reached += weight(expected[i++]);
    BOOST_TEST_REQUIRE((last_within_mass(std::span{shuffled}, mass, weight) == expected[i - 1]));
  }
}

BOOST_AUTO_TEST_SUITE_END()
