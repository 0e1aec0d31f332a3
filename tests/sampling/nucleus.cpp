// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/nucleus.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <random>
#include <vector>

#include "conformance/sampling_bench.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(nucleus)

BOOST_AUTO_TEST_CASE(ends_where_the_sorted_list_reaches_the_mass) {
  auto const seed = conformance::sampling_test_seed(8);
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << seed);
  std::mt19937_64 random{seed};
  for (int round = 0; round < 400; ++round) {
    auto const logits = conformance::random_logits(random, static_cast<std::int32_t>(1 + random() % 3000));
    softmax_weight const weight{best_candidate(logits).logit,
                                std::uniform_real_distribution<float>{0.1f, 3.0f}(random)};
    double const top_p = std::uniform_real_distribution<>{0.001, 0.999}(random);
    std::vector<candidate> sorted, room(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) sorted.push_back({logits[i], static_cast<token_id>(i)});
    std::ranges::sort(sorted, precedes);
    double total = 0.0;
    for (auto const& c : sorted) total += weight(c);

    auto const last = nucleus_end(logits, weight, top_p, room);
    double before = 0.0;
    for (auto const& c : sorted) {
      if (c == last) break;
      before += weight(c);
    }
    BOOST_TEST(before < top_p * total * (1 + 1e-12), "one id less would do");
    BOOST_TEST(before + weight(last) >= top_p * total * (1 - 1e-12), "the mass is not reached");
  }
}

BOOST_AUTO_TEST_CASE(logits_far_apart_or_all_equal) {
  std::vector<candidate> room(4);
  std::vector<float> logits{-3e38f, 3e38f, 1.0f, -std::numeric_limits<float>::infinity()};
  BOOST_TEST(nucleus_end(logits, {3e38f, 1.0f}, 0.999, room).id == 1);
  logits = {1e30f, 1e30f, 1e30f, 1e30f};
  BOOST_TEST(nucleus_end(logits, {1e30f, 1.0f}, 0.5, room).id == 1);
  BOOST_TEST(nucleus_end(logits, {1e30f, 1e-45f}, 0.51, room).id == 2);
}

BOOST_AUTO_TEST_SUITE_END()
