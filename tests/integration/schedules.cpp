// SPDX-License-Identifier: Apache-2.0
// Whatever the schedule, a request gets the ids that it gets alone: chunked or not, from cached prefixes or
// cold, preempted or not, padded or not, planned ahead or not, on any scheduler and cache.

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <string>
#include <vector>

#include "engine/small_engines.hpp"

namespace {

using namespace tenon;
using model = small::qwen3_model;

std::uint64_t test_seed() {
  char const* const given = std::getenv("TENON_TEST_SEED");
  return given != nullptr ? std::stoull(given) : 20261121;
}

/// Prompts of 1 to 90 ids, many of which share a beginning; greedy and drawn, with and without penalties.
std::vector<request> random_requests(std::mt19937_64& random, int count) {
  auto const stem = small::random_prompt(random, 60);
  std::vector<request> wishes;
  for (int i = 0; i < count; ++i) {
    request wish;
    if (random() % 2 == 0)
      wish.prompt.assign(stem.begin(), stem.begin() + static_cast<std::ptrdiff_t>(random() % 60));
    auto const own = small::random_prompt(random, 1 + static_cast<std::int32_t>(random() % 30));
    wish.prompt.insert(wish.prompt.end(), own.begin(), own.end());
    wish.max_new_tokens = 1 + static_cast<std::int32_t>(random() % 24);
    wish.sampling.temperature = random() % 2 == 0 ? 0.0f : 1.2f;
    wish.sampling.seed = random();
    if (random() % 3 == 0) wish.sampling.repetition_penalty = 1.3f;
    if (random() % 4 == 0) wish.sampling.frequency_penalty = 0.5f;
    if (random() % 5 == 0) wish.sampling.top_k = 20;
    if (random() % 4 == 0)
      wish.stop_ids = {static_cast<token_id>(random() % 131), static_cast<token_id>(random() % 131)};
    wish.choices = random() % 5 == 0 ? 3 : 1;
    wish.priority = static_cast<std::int32_t>(random() % 3);
    wishes.push_back(std::move(wish));
  }
  return wishes;
}

/// Each request with a fresh engine of its own: one sequence, whole prompt in one step, nothing shared.
std::vector<small::outcome> answers_alone(std::vector<request> const& wishes) {
  std::vector<small::outcome> alone;
  using recipe_alone = recipes::reference<model>;
  for (auto const& wish : wishes) {
    auto options = small::options(64, 1024);
    options.prefix_caching = false;
    engine<recipe_alone> fresh{small::weights<recipe_alone>(), options};
    alone.push_back(small::answer(fresh, wish));
  }
  return alone;
}

/// The same requests together, arriving over time in bursts, some cancelled ones between them.
template <class Recipe>
void expect_same(std::vector<request> const& wishes, std::vector<small::outcome> const& alone,
                 engine_options const& options, std::mt19937_64& random, std::string const& what,
                 bool expect_preemptions = false) {
  engine<Recipe> busy{small::weights<Recipe>(), options};
  std::vector<std::shared_ptr<small::outcome>> heard;
  for (auto const& wish : wishes) {
    heard.push_back(small::submit(busy, wish));
    if (random() % 6 == 0) {
      auto const id = busy.submit(wish, [](event const&) {});
      for (auto steps = random() % 4; steps > 0; --steps) busy.run_one_step();
      busy.cancel(id);
    }
    for (auto steps = random() % 3; steps > 0; --steps) busy.run_one_step();
  }
  while (busy.run_one_step()) {
  }
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    BOOST_CHECK_MESSAGE(heard[i]->ids == alone[i].ids,
                        what << ": request " << i << " got other ids than alone");
    BOOST_CHECK_MESSAGE(heard[i]->finish == alone[i].finish,
                        what << ": request " << i << " ended otherwise than alone");
  }
  auto const now = busy.stats();
  BOOST_CHECK_EQUAL(now.pages.held, 0);
  BOOST_CHECK_EQUAL(now.pages.free + now.pages.cached, now.pages.total);
  if (expect_preemptions) BOOST_CHECK_GT(now.requests.preemptions, 0);
}

/// A budget that affords the workspace and `pages` pages.
template <class Recipe> engine_options tight(engine_options options, std::int64_t pages) {
  options.max_context = 256;
  options.memory_bytes = engine<Recipe>::memory_for(options, 16 * pages);
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(schedules)

BOOST_AUTO_TEST_CASE(ids_do_not_depend_on_the_schedule) {
  auto const seed = test_seed();
  BOOST_TEST_MESSAGE("seed " << seed);
  for (std::uint64_t round = 0; round < 4; ++round) {
    BOOST_TEST_CONTEXT("seed " << seed << ", round " << round) {
      std::mt19937_64 random{seed + round};
      auto const wishes = random_requests(random, 24);
      auto const alone = answers_alone(wishes);

      using plain = recipes::reference<model>;
      expect_same<plain>(wishes, alone, small::options(8, 16), random, "chunks of at most 16");
      auto cold = small::options(8, 16);
      cold.prefix_caching = false;
      expect_same<plain>(wishes, alone, cold, random, "no prefix cache");
      auto ahead = small::options(6, 24);
      ahead.depth = 2;
      expect_same<plain>(wishes, alone, ahead, random, "planned ahead");
      expect_same<plain>(wishes, alone, tight<plain>(small::options(8, 32), 9), random, "preempted", true);
      expect_same<plain>(wishes, alone, tight<plain>(ahead, 9), random, "preempted and planned ahead", true);
      expect_same<compose<model, eager<1, 2, 4, 8>>>(wishes, alone, small::options(8, 16), random, "padded");
      expect_same<compose<model, paged_cache<5>>>(wishes, alone, small::options(8, 16), random, "pages of 5");
      expect_same<compose<model, contiguous_cache>>(wishes, alone, small::options(4, 16), random,
                                                    "contiguous");
      expect_same<compose<model, static_batch>>(wishes, alone, small::options(4, 64), random, "static batch");
      expect_same<compose<model, prefill_first>>(wishes, alone, small::options(8, 64), random,
                                                 "prefill first");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_cached_prefix_changes_no_id) {
  std::mt19937_64 random{3};
  using plain = recipes::reference<model>;
  engine<plain> warm{small::weights<plain>(), small::options(4, 64)};
  auto const prompt = small::random_prompt(random, 100);
  auto const cold = small::answer(warm, small::greedy_request(prompt, 20));
  auto const hit = small::answer(warm, small::greedy_request(prompt, 20));
  BOOST_CHECK_EQUAL(cold.usage.at(0).cached, 0);
  BOOST_CHECK_EQUAL(hit.usage.at(0).cached, 96);
  BOOST_TEST(hit.ids.at(0) == cold.ids.at(0), boost::test_tools::per_element());

  auto other_tenant = small::greedy_request(prompt, 20);
  other_tenant.scope = cache_scope{9};
  BOOST_CHECK_EQUAL(small::answer(warm, other_tenant).usage.at(0).cached, 0);
}

BOOST_AUTO_TEST_SUITE_END()
