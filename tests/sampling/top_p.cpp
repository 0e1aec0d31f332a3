// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/top_p.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "conformance/sampler_policy.hpp"
#include "conformance/sampling_definition.hpp"
#include "tenon/cpu/backend.hpp"

using namespace tenon;
using conformance::acceptable;
using conformance::distribution;
using conformance::sampling_wish;

namespace {

using bench = conformance::sampling_bench<top_p, cpu::backend>;
/// Chi-square of `draws` draws against the row's distribution must stay below a bound that a right sampler
/// passes all but once in a hundred million seeds; the seeds here are fixed.
void check_distribution(sampling_wish wish) {
  cpu::context context{{.threads = 2}};
  auto const vocabulary = static_cast<std::int32_t>(wish.logits.size());
  bench sampler{context, 50, vocabulary};
  constexpr int draws = 20000;
  std::vector<double> counts(wish.logits.size());
  std::vector<sampling_wish> wishes(50, wish);
  for (int begin = 0; begin < draws; begin += 50) {
    for (int i = 0; i < 50; ++i) {
      wishes[static_cast<std::size_t>(i)].position = begin + i;
      wishes[static_cast<std::size_t>(i)].slot = i;
    }
    for (auto const& outcome : sampler.run(wishes)) ++counts[static_cast<std::size_t>(outcome.id)];
  }
  auto const expected = distribution(wish);
  double chi_square = 0.0, freedom = -1.0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (expected[i] == 0.0) {
      BOOST_TEST(counts[i] == 0.0, "id " << i << " lies outside the cut and was drawn");
    } else {
      double const mean = expected[i] * draws;
      chi_square += (counts[i] - mean) * (counts[i] - mean) / mean;
      ++freedom;
    }
  }
  BOOST_TEST(chi_square < freedom + 6.0 * std::sqrt(2.0 * freedom) + 10.0);
}

sampling_wish graded_row(std::uint64_t seed) {
  sampling_wish wish;
  for (int i = 0; i < 40; ++i) wish.logits.push_back(static_cast<float>((i * 17) % 40) * 0.1f);
  wish.seed = seed;
  return wish;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(top_p)

BOOST_AUTO_TEST_CASE(conforms) {
  conformance::check_sampler_policy<tenon::top_p, cpu::backend>();
}

BOOST_AUTO_TEST_CASE(draws_follow_the_distribution) {
  auto wish = graded_row(1);
  check_distribution(wish);
  wish.parameters.temperature = 0.5f;
  check_distribution(wish);
  wish.parameters.temperature = 1.7f;
  check_distribution(wish);
  wish = graded_row(2);
  wish.parameters.top_k = 7;
  check_distribution(wish);
  wish = graded_row(3);
  wish.parameters.top_p = 0.6f;
  check_distribution(wish);
  wish = graded_row(4);
  wish.parameters.min_p = 0.15f;
  check_distribution(wish);
  wish.parameters = {.temperature = 1.3f, .top_k = 25, .top_p = 0.9f, .min_p = 0.05f};
  wish.banned = {3, 4, 5};
  check_distribution(wish);
}

BOOST_AUTO_TEST_CASE(every_combination_equals_the_plain_definition) {
  auto const seed = conformance::sampling_test_seed(77);
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << seed);
  std::mt19937_64 random{seed};
  cpu::context context{{.threads = 2}};
  for (int round = 0; round < 4000; ++round) {
    auto const vocabulary = static_cast<std::int32_t>(8 + random() % (round % 40 == 0 ? 5000 : 200));
    bench sampler{context, 1, vocabulary};
    auto wish = conformance::sampler_detail::random_wish<bench, tenon::top_p>(random, vocabulary, 0);
    wish.forced = no_token;
    auto const outcome = sampler.run_one(wish);
    BOOST_TEST_CONTEXT("round " << round) {
      BOOST_TEST_REQUIRE(acceptable(wish, outcome.id));
    }
  }
}

BOOST_AUTO_TEST_CASE(log_probabilities_are_those_of_the_unmodified_logits) {
  std::mt19937_64 random{12};
  cpu::context context{{.threads = 1}};
  for (int round = 0; round < 300; ++round) {
    bench sampler{context, 1, 500};
    auto wish = conformance::sampler_detail::random_wish<bench, tenon::top_p>(random, 500, 0);
    wish.parameters.logprobs = static_cast<std::int32_t>(random() % 21);
    wish.parameters.logit_bias = {{4, 50.0f}};
    auto const outcome = sampler.run_one(wish);
    sampling_wish plain{.logits = wish.logits};
    auto const probabilities = distribution(plain);
    auto const exact = [&](token_id id) { return std::log(probabilities[static_cast<std::size_t>(id)]); };
    BOOST_TEST(std::abs(outcome.logprob - exact(outcome.id)) < 1e-5 * std::max(1.0, -exact(outcome.id)));
    std::vector<token_id> order(500);
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, [&](token_id a, token_id b) {
      return wish.logits[static_cast<std::size_t>(a)] > wish.logits[static_cast<std::size_t>(b)];
    });
    BOOST_TEST_REQUIRE(outcome.top.size() == static_cast<std::size_t>(wish.parameters.logprobs));
    for (std::size_t i = 0; i < outcome.top.size(); ++i) {
      BOOST_TEST(outcome.top[i].id == order[i]);
      BOOST_TEST(std::abs(outcome.top[i].logprob - exact(order[i])) < 1e-5 * std::max(1.0, -exact(order[i])));
    }
  }
}

// A sequence that was preempted comes back with its whole history; one that was not has counted step by step.
BOOST_AUTO_TEST_CASE(history_equals_counting_step_by_step) {
  std::mt19937_64 random{9};
  cpu::context context{{.threads = 1}};
  std::vector<token_id> tokens{1, 2, 2, 30};
  bench stepwise{context, 2, 60};
  for (std::int32_t position = 4; position < 80; ++position) {
    sampling_wish wish{.logits = conformance::random_logits(random, 60), .position = position, .slot = 1};
    wish.parameters.repetition_penalty = 1.3f;
    wish.parameters.frequency_penalty = 0.4f;
    wish.parameters.presence_penalty = 0.3f;
    wish.resets_slot = position == 4;
    if (position == 4) wish.history = tokens;
    wish.history_prompt = 4;
    if (position % 10 == 0) wish.forced = 5;
    auto const continued = stepwise.run_one(wish);
    bench fresh{context, 2, 60};
    wish.resets_slot = true;
    wish.history = tokens;
    BOOST_TEST(bool(fresh.run_one(wish) == continued), "position " << position);
    tokens.push_back(continued.id);
  }
}

BOOST_AUTO_TEST_CASE(a_slot_forgets_its_predecessor) {
  cpu::context context{{.threads = 1}};
  bench sampler{context, 1, 4};
  sampling_wish wish{.logits = {2.0f, 1.9f, 0.0f, 0.0f}};
  wish.parameters.temperature = 0.0f;
  wish.parameters.presence_penalty = 1.0f;
  wish.resets_slot = true;
  BOOST_TEST(sampler.run_one(wish).id == 0);
  wish.resets_slot = false;
  BOOST_TEST(sampler.run_one(wish).id == 1, "0 was generated and is penalised");
  wish.resets_slot = true;
  BOOST_TEST(sampler.run_one(wish).id == 0);
}

BOOST_AUTO_TEST_CASE(the_draw_depends_on_seed_choice_and_position_alone) {
  cpu::context context{{.threads = 1}};
  bench sampler{context, 8, 4096};
  sampling_wish wish{.logits = std::vector<float>(4096, 0.0f), .seed = 5, .choice = 1, .position = 9};
  auto const id = sampler.run_one(wish).id;
  auto const differs = [&](auto change) {
    auto other = wish;
    change(other);
    return sampler.run_one(other).id != id;
  };
  BOOST_TEST(!differs([](auto& w) { w.slot = 7; }));
  BOOST_TEST(differs([](auto& w) { w.seed = 6; }));
  BOOST_TEST(differs([](auto& w) { w.choice = 2; }));
  BOOST_TEST(differs([](auto& w) { w.position = 10; }));
}

BOOST_AUTO_TEST_CASE(logits_that_are_no_numbers_are_never_drawn) {
  float const nan = std::numeric_limits<float>::quiet_NaN();
  float const infinity = std::numeric_limits<float>::infinity();
  cpu::context context{{.threads = 1}};
  bench sampler{context, 1, 4};
  sampling_wish wish{.logits = {nan, 1.0f, nan, 1.0f}};
  wish.parameters.top_p = 0.9f;
  for (wish.position = 0; wish.position < 50; ++wish.position) BOOST_TEST(sampler.run_one(wish).id % 2 == 1);
  wish.logits = {nan, 1.0f, infinity, 1.0f};
  BOOST_TEST(sampler.run_one(wish).id == 2);
  wish.logits = {nan, -infinity, nan, 1.0f};
  wish.banned = {3};
  BOOST_TEST(sampler.run_one(wish).id == no_token);
  BOOST_TEST(sampler.run_one(wish).in_slot == 0);
}

BOOST_AUTO_TEST_CASE(extreme_parameters_still_choose_the_best) {
  cpu::context context{{.threads = 1}};
  bench sampler{context, 1, 5};
  sampling_wish wish{.logits = {-1e30f, 3.0f, 3e38f, 1e30f, -3e38f}};
  for (float const temperature : {1e-45f, 1e-6f, 1.0f, 100.0f}) {
    wish.parameters = {.temperature = temperature};
    BOOST_TEST(sampler.run_one(wish).id == 2);
    wish.parameters.top_p = 1e-9f;
    BOOST_TEST(sampler.run_one(wish).id == 2);
    wish.parameters.min_p = 1.0f;
    BOOST_TEST(sampler.run_one(wish).id == 2);
  }
  wish.parameters = {.temperature = 0.0f, .repetition_penalty = 1e-6f};
  wish.resets_slot = true;
  wish.history = {3};
  wish.history_prompt = 1;
  BOOST_TEST(sampler.run_one(wish).id == 2, "a tie at the largest number goes to the lower id");
}

// Selection must not fall back on sorting everything, nor lose ids, at the size of real vocabularies.
BOOST_AUTO_TEST_CASE(a_large_vocabulary_gives_what_its_definition_says) {
  std::mt19937_64 random{3};
  cpu::context context{{.threads = 2}};
  constexpr std::int32_t vocabulary = 151936;
  bench sampler{context, 1, vocabulary};
  for (int round = 0; round < 12; ++round) {
    sampling_wish wish{.logits = conformance::random_logits(random, vocabulary), .seed = random()};
    wish.parameters = {
        .temperature = 0.7f, .top_k = round % 2 == 0 ? 20 : 0, .top_p = round % 3 == 0 ? 1.0f : 0.8f};
    BOOST_TEST(acceptable(wish, sampler.run_one(wish).id));
  }
}

BOOST_AUTO_TEST_SUITE_END()
