// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tenon/sampling/sampler_policy.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "conformance/sampling_bench.hpp"

namespace tenon::conformance {

namespace sampler_detail {

inline bool allowed(sampling_wish const& wish, token_id id) {
  auto const bit = static_cast<std::size_t>(id);
  if (!wish.mask.empty() && ((wish.mask[bit / 32] >> (bit % 32)) & 1u) == 0) return false;
  return std::ranges::find(wish.banned, id) == wish.banned.end();
}

inline sampling_parameters random_parameters(std::mt19937_64& random, std::int32_t vocabulary) {
  auto const coin = [&] { return random() % 2 == 0; };
  auto const between = [&](float low, float high) {
    return std::uniform_real_distribution<float>{low, high}(random);
  };
  sampling_parameters p;
  p.temperature = coin() ? 0.0f : between(0.2f, 2.0f);
  if (coin()) p.top_k = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(vocabulary + 3));
  if (coin()) p.top_p = between(0.05f, 1.0f);
  if (coin()) p.min_p = between(0.0f, 0.5f);
  if (random() % 4 != 0) return p;
  if (coin()) p.repetition_penalty = between(0.6f, 1.8f);
  if (coin()) p.presence_penalty = between(-2.0f, 2.0f);
  if (coin()) p.frequency_penalty = between(-2.0f, 2.0f);
  if (coin())
    p.logit_bias = {
        {static_cast<token_id>(random() % static_cast<std::uint64_t>(vocabulary)), between(-9.0f, 9.0f)}};
  if (coin()) p.logprobs = static_cast<std::int32_t>(random() % 21);
  return p;
}

/// A row that the sampler serves, with everything that a request may ask for.
template <class Bench, class Sampler>
sampling_wish random_wish(std::mt19937_64& random, std::int32_t vocabulary, slot_id slot) {
  auto const any_id = [&] {
    return static_cast<token_id>(random() % static_cast<std::uint64_t>(vocabulary));
  };
  sampling_wish wish;
  do {
    wish.parameters = random_parameters(random, vocabulary);
  } while (!Sampler::serves(Bench::row_of(wish)));
  wish.logits = random_logits(random, vocabulary);
  wish.seed = random();
  wish.choice = static_cast<std::int32_t>(random() % 3);
  wish.position = static_cast<std::int32_t>(random() % 1000);
  wish.slot = slot;
  if (random() % 8 == 0) wish.forced = any_id();
  for (auto left = random() % 3; left > 0; --left) wish.banned.push_back(any_id());
  if (random() % 4 == 0) {
    wish.mask.resize(static_cast<std::size_t>((vocabulary + 31) / 32));
    for (auto& word : wish.mask) word = static_cast<std::uint32_t>(random()) | 1u;
    wish.banned.clear();  // so that the mask's bit 0 always leaves an id
  }
  wish.resets_slot = true;
  for (auto left = random() % 9; left > 0; --left) wish.history.push_back(any_id());
  wish.history_prompt = static_cast<std::int32_t>(wish.history.size() / 2);
  return wish;
}

inline void check_outcome(sampling_wish const& wish, sampling_outcome const& outcome,
                          std::int32_t vocabulary) {
  BOOST_TEST_REQUIRE(outcome.id >= 0);
  BOOST_TEST_REQUIRE(outcome.id < vocabulary);
  BOOST_TEST(outcome.in_slot == outcome.id);
  if (wish.forced != no_token) {
    BOOST_TEST(outcome.id == wish.forced);
  } else {
    BOOST_TEST(allowed(wish, outcome.id));
  }
}

template <class Sampler, class Backend>
void check_rows_without_a_choice(typename Backend::context& context, std::int32_t vocabulary) {
  using bench = sampling_bench<Sampler, Backend>;
  sampling_wish wish;
  wish.parameters.temperature = 0.0f;
  wish.logits.assign(static_cast<std::size_t>(vocabulary), std::numeric_limits<float>::quiet_NaN());
  bench one{context, 1, vocabulary};
  auto const outcome = one.run_one(wish);
  BOOST_TEST(outcome.id == no_token, "a row of NaN must yield no id");
  BOOST_TEST(outcome.in_slot == 0, "the slot must hold a valid id all the same");
  wish.forced = vocabulary - 1;
  BOOST_TEST(one.run_one(wish).id == vocabulary - 1, "a forced id needs no logits");
}

}  // namespace sampler_detail

/// What every sampler promises, for those rows that it says it serves: an allowed id in the vocabulary, left
/// in the slot too; forced ids as they are; the same result alone, in a batch, at any place and at any time.
template <class Sampler, class Backend>
  requires sampler_policy<Sampler, Backend>
void check_sampler_policy(std::int32_t rounds = 40) {
  using bench = sampling_bench<Sampler, Backend>;
  std::uint64_t const seed = sampling_test_seed(20261121);
  BOOST_TEST_CONTEXT("TENON_TEST_SEED=" << seed) {
    std::mt19937_64 random{seed};
    typename Backend::context context{typename Backend::context_options{}};
    for (std::int32_t round = 0; round < rounds; ++round) {
      auto const vocabulary = static_cast<std::int32_t>(2 + random() % 300);
      auto const slots = static_cast<std::int32_t>(1 + random() % 40);
      std::vector<slot_id> slot_order(static_cast<std::size_t>(slots));
      std::iota(slot_order.begin(), slot_order.end(), 0);
      std::ranges::shuffle(slot_order, random);
      std::vector<sampling_wish> wishes;
      for (auto const slot : slot_order) {
        wishes.push_back(sampler_detail::random_wish<bench, Sampler>(random, vocabulary, slot));
        if (vocabulary < 8) wishes.back().banned.clear();
      }
      bench batched{context, slots, vocabulary};
      auto const together = batched.run(wishes);
      for (std::size_t i = 0; i < wishes.size(); ++i) {
        sampler_detail::check_outcome(wishes[i], together[i], vocabulary);
        bench single{context, slots, vocabulary};
        BOOST_TEST(bool(single.run_one(wishes[i]) == together[i]), "row " << i << " differs alone");
      }
      BOOST_TEST(bool(batched.run(wishes) == together), "a second run differs");
    }
    sampler_detail::check_rows_without_a_choice<Sampler, Backend>(context, 70);
  }
}

}  // namespace tenon::conformance
