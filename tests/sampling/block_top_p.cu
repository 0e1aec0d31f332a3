// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/block_top_p.cuh"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "conformance/sampler_policy.hpp"
#include "conformance/sampling_bench.hpp"
#include "conformance/sampling_definition.hpp"
#include "cuda/device.hpp"
#include "tenon/cpu/backend.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/sampling/top_p.hpp"

using namespace tenon;
using conformance::sampling_outcome;
using conformance::sampling_wish;

namespace {

using host_bench = conformance::sampling_bench<top_p, cpu::backend>;

/// The sampler with blocks that meet through global memory, as on devices without clusters.
struct linked_top_p : block_top_p {
  static void run(cuda::context& ctx, batch_view const& batch, matrix_view<float> logits, state const& state,
                  sampled_view const& out) {
    run_teams<block_sampling::counter_team>(ctx, batch, logits, state, out, std::min(state.linked_rows, 5));
  }
};

template <class Sampler> using device_bench = conformance::sampling_bench<Sampler, cuda::backend>;

enum class kind { ordinary, equal, spike, few_values, zeros, no_numbers, tiny, huge, peaked, many };

std::vector<float> logits_of(kind which, std::mt19937_64& random, std::int32_t vocabulary) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  auto logits = conformance::random_logits(random, vocabulary);
  auto const any = [&]() -> float& { return logits[random() % logits.size()]; };
  switch (which) {
    case kind::equal:
      std::ranges::fill(logits, random() % 2 == 0 ? 0.0f : -3.25f);
      break;
    case kind::spike:
      std::ranges::fill(logits, -1.0f);
      any() = 30.0f;
      break;
    case kind::few_values:
      for (auto& logit : logits) logit = static_cast<float>(random() % 3) - (random() % 2 == 0 ? 0.0f : 1.0f);
      break;
    case kind::zeros:
      for (auto& logit : logits) logit = random() % 2 == 0 ? -0.0f : random() % 3 == 0 ? -2.0f : 0.0f;
      break;
    case kind::no_numbers:
      for (auto& logit : logits) {
        if (random() % 3 == 0) logit = std::numeric_limits<float>::quiet_NaN();
        if (random() % 5 == 0) logit = -infinity;
      }
      if (random() % 2 == 0) any() = infinity;
      break;
    case kind::tiny:
      for (auto& logit : logits) logit = static_cast<float>(static_cast<int>(random() % 9) - 4) * 1e-45f;
      break;
    case kind::huge:
      for (auto& logit : logits) logit *= 1e37f;
      any() = -3.4e38f;
      break;
    case kind::peaked:
      for (int i = 0; i < 30; ++i) any() = 10.0f + static_cast<float>(random() % 1000) * 0.01f;
      break;
    default:
      break;
  }
  return logits;
}

struct tally {
  std::size_t rows = 0;
  std::size_t other_id = 0;       // than the host's sampler
  std::size_t unacceptable = 0;   // and not by rounding at a border
  std::size_t other_logprob = 0;  // by more than 2e-6 of its size
};

bool close(float a, float b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return true;
  return std::abs(a - b) <= 2e-6f * std::max(1.0f, std::abs(b));
}

void compare(sampling_wish const& wish, kind which, sampling_outcome const& host,
             sampling_outcome const& device, tally& all) {
  ++all.rows;
  bool const same = device.id == host.id && device.in_slot == host.in_slot;
  if (!same) {
    ++all.other_id;
    bool const has_definition = which != kind::no_numbers && which != kind::huge;
    bool const fine =
        has_definition && device.in_slot == device.id && conformance::acceptable(wish, device.id);
    all.unacceptable += fine ? 0 : 1;
    auto const& p = wish.parameters;
    BOOST_TEST(fine, "host " << host.id << ", device " << device.id << ", logits " << static_cast<int>(which)
                             << ", vocabulary " << wish.logits.size() << ", temperature " << p.temperature
                             << ", top_k " << p.top_k << ", top_p " << p.top_p << ", min_p " << p.min_p
                             << ", logprobs " << p.logprobs << ", repetition " << p.repetition_penalty
                             << ", bias " << p.logit_bias.size() << ", banned " << wish.banned.size()
                             << ", mask " << wish.mask.size());
    return;
  }
  bool good = close(device.logprob, host.logprob) && device.top.size() == host.top.size();
  for (std::size_t i = 0; good && i < host.top.size(); ++i) {
    good = device.top[i].id == host.top[i].id && close(device.top[i].logprob, host.top[i].logprob);
  }
  all.other_logprob += good ? 0 : 1;
  BOOST_TEST(good, "log-probabilities differ: " << device.logprob << " and " << host.logprob
                                                << ", vocabulary " << wish.logits.size() << ", logits "
                                                << static_cast<int>(which));
}

sampling_wish any_wish(std::mt19937_64& random, kind which, std::int32_t vocabulary, slot_id slot) {
  auto wish = conformance::sampler_detail::random_wish<host_bench, top_p>(random, vocabulary, slot);
  wish.logits = logits_of(which, random, vocabulary);
  if (random() % 4 == 0) {
    wish.parameters.temperature = 0.7f;
    wish.parameters.top_p = 0.8f;
    wish.parameters.top_k = 20;
  }
  if (random() % 5 == 0) {
    wish.parameters.logit_bias.clear();
    for (auto left = random() % 200; left > 0; --left) {
      auto const id = static_cast<token_id>(random() % static_cast<std::uint64_t>(std::min(vocabulary, 90)));
      wish.parameters.logit_bias.emplace_back(id, static_cast<float>(random() % 200) * 0.1f - 10.0f);
    }
  }
  if (random() % 6 == 0) wish.history.assign(1000, static_cast<token_id>(random() % 50));
  return wish;
}

/// `rows` rows with one vocabulary, through both samplers.
template <class Sampler>
void compare_batch(cpu::context& host, cuda::context& device, std::mt19937_64& random, std::int32_t rows,
                   std::int32_t vocabulary, tally& all) {
  std::vector<sampling_wish> wishes;
  std::vector<kind> kinds;
  for (slot_id slot = 0; slot < rows; ++slot) {
    kinds.push_back(static_cast<kind>(random() % static_cast<std::uint64_t>(kind::many)));
    wishes.push_back(any_wish(random, kinds.back(), vocabulary, slot));
  }
  auto const expected = host_bench{host, rows, vocabulary}.run(wishes);
  device_bench<Sampler> bench{device, rows, vocabulary};
  auto const found = bench.run(wishes);
  for (std::size_t i = 0; i < wishes.size(); ++i) compare(wishes[i], kinds[i], expected[i], found[i], all);
  auto const again = bench.run(wishes);
  std::size_t differ = 0;
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    differ += again[i].id != found[i].id || again[i].logprob != found[i].logprob ? 1 : 0;
  }
  BOOST_TEST(differ == 0u, differ << " rows differ in a second run");
}

void report(std::string const& what, std::uint64_t seed, tally const& all) {
  BOOST_TEST_MESSAGE(what << ": " << all.rows << " rows, " << all.other_id
                          << " with another id than the host's (" << all.unacceptable << " not by rounding), "
                          << all.other_logprob << " with other log-probabilities; TENON_TEST_SEED=" << seed);
}

template <class Sampler> void compare_many(int batches, int large_batches) {
  auto const seed = conformance::sampling_test_seed(20261122);
  std::mt19937_64 random{seed};
  cpu::context host{};
  cuda::context device{};
  tally all;
  for (int i = 0; i < batches; ++i) {
    auto const vocabulary = static_cast<std::int32_t>(2 + random() % (i % 3 == 0 ? 20000 : 600));
    auto const rows = static_cast<std::int32_t>(1 + random() % (i % 5 == 0 ? 300 : 40));
    compare_batch<Sampler>(host, device, random, rows, vocabulary, all);
  }
  for (int i = 0; i < large_batches; ++i) {
    std::int32_t const vocabulary = i % 2 == 0 ? 151936 : 152064;
    compare_batch<Sampler>(host, device, random, 24, vocabulary, all);
  }
  report("random rows", seed, all);
  BOOST_TEST(static_cast<double>(all.other_id) <= 2.0 + 1e-4 * static_cast<double>(all.rows));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(block_top_p)

BOOST_AUTO_TEST_CASE(conforms) {
  if (!testing::has_device()) return;
  conformance::check_sampler_policy<tenon::block_top_p, cuda::backend>();
  conformance::check_sampler_policy<linked_top_p, cuda::backend>();
}

BOOST_AUTO_TEST_CASE(chooses_what_the_host_chooses) {
  if (!testing::has_device()) return;
  compare_many<tenon::block_top_p>(120, 6);
}

BOOST_AUTO_TEST_CASE(chooses_the_same_without_clusters) {
  if (!testing::has_device()) return;
  compare_many<linked_top_p>(40, 2);
}

// How often a draw falls so close to a border that the two exponentials decide: less than once in 100,000
// draws.
BOOST_AUTO_TEST_CASE(draws_are_the_hosts) {
  if (!testing::has_device()) return;
  auto const seed = conformance::sampling_test_seed(5);
  std::mt19937_64 random{seed};
  cpu::context host{};
  cuda::context device{};
  std::vector<sampling_parameters> const sets{
      {.temperature = 0.7f, .top_k = 20, .top_p = 0.8f},
      {.temperature = 1.0f, .top_p = 0.95f},
      {},
      {.temperature = 1.3f, .top_k = 500, .top_p = 0.9f, .min_p = 0.01f}};
  constexpr std::int32_t vocabulary = 4224;
  constexpr std::int32_t rows = 500;
  for (auto const& parameters : sets) {
    tally all;
    for (int batch = 0; batch < 60; ++batch) {
      std::vector<sampling_wish> wishes(rows);
      for (std::int32_t i = 0; i < rows; ++i) {
        auto& wish = wishes[static_cast<std::size_t>(i)];
        wish.logits = i % 50 == 0 ? logits_of(kind::peaked, random, vocabulary)
                                  : wishes[static_cast<std::size_t>(i) - 1].logits;
        wish.parameters = parameters;
        wish.seed = random();
        wish.slot = i;
        wish.position = batch;
      }
      auto const expected = host_bench{host, rows, vocabulary}.run(wishes);
      auto const found = device_bench<tenon::block_top_p>{device, rows, vocabulary}.run(wishes);
      for (std::size_t i = 0; i < wishes.size(); ++i)
        compare(wishes[i], kind::peaked, expected[i], found[i], all);
    }
    report("temperature " + std::to_string(parameters.temperature) + ", top_k " +
               std::to_string(parameters.top_k) + ", top_p " + std::to_string(parameters.top_p),
           seed, all);
    BOOST_TEST(all.other_id <= 2u);
  }
}

// A sequence that counts step by step is what the host makes of its whole history.
BOOST_AUTO_TEST_CASE(penalties_over_steps_equal_the_hosts_of_the_history) {
  if (!testing::has_device()) return;
  std::mt19937_64 random{9};
  cpu::context host{{.threads = 1}};
  cuda::context device{};
  for (std::int32_t const vocabulary : {60, 3001}) {
    std::vector<token_id> tokens{1, 2, 2, 30};
    device_bench<tenon::block_top_p> stepwise{device, 2, vocabulary};
    for (std::int32_t position = 4; position < 80; ++position) {
      sampling_wish wish{
          .logits = conformance::random_logits(random, vocabulary), .position = position, .slot = 1};
      wish.parameters.repetition_penalty = 1.3f;
      wish.parameters.frequency_penalty = 0.4f;
      wish.parameters.presence_penalty = 0.3f;
      wish.resets_slot = position == 4;
      if (position == 4) wish.history = tokens;
      wish.history_prompt = 4;
      if (position % 10 == 0) wish.forced = 5;
      auto const continued = stepwise.run_one(wish);
      host_bench fresh{host, 2, vocabulary};
      wish.resets_slot = true;
      wish.history = tokens;
      BOOST_TEST(fresh.run_one(wish).id == continued.id, "position " << position);
      tokens.push_back(continued.id);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_slot_forgets_its_predecessor) {
  if (!testing::has_device()) return;
  cuda::context context{};
  device_bench<tenon::block_top_p> sampler{context, 1, 4};
  sampling_wish wish{.logits = {2.0f, 1.9f, 0.0f, 0.0f}};
  wish.parameters.temperature = 0.0f;
  wish.parameters.presence_penalty = 1.0f;
  wish.resets_slot = true;
  BOOST_TEST(sampler.run_one(wish).id == 0);
  wish.resets_slot = false;
  BOOST_TEST(sampler.run_one(wish).id == 1, "0 was generated and is penalised");
  wish.parameters.presence_penalty = 0.0f;
  wish.resets_slot = true;
  BOOST_TEST(sampler.run_one(wish).id == 0);
  wish.parameters.presence_penalty = 1.0f;
  wish.resets_slot = false;
  BOOST_TEST(sampler.run_one(wish).id == 0, "a slot that was reset counts from nothing");
}

BOOST_AUTO_TEST_CASE(extreme_parameters_still_choose_the_best) {
  if (!testing::has_device()) return;
  cuda::context context{};
  device_bench<tenon::block_top_p> sampler{context, 1, 5};
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

BOOST_AUTO_TEST_SUITE_END()
