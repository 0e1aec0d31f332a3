// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/greedy.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

#include "conformance/sampler_policy.hpp"
#include "tenon/cpu/backend.hpp"

using namespace tenon;

namespace {

using bench = conformance::sampling_bench<greedy, cpu::backend>;

struct one_row {
  cpu::context context{{.threads = 2}};
  bench sampler{context, 4, 4};
  conformance::sampling_wish wish{.logits = {1.0f, 3.0f, 3.0f, 2.0f}, .slot = 2};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(greedy, one_row)

BOOST_AUTO_TEST_CASE(conforms) {
  conformance::check_sampler_policy<tenon::greedy, cpu::backend>();
}

BOOST_AUTO_TEST_CASE(largest_logit_and_of_equal_ones_the_lowest_id) {
  auto const outcome = sampler.run_one(wish);
  BOOST_TEST(outcome.id == 1);
  BOOST_TEST(outcome.in_slot == 1);
  wish.banned = {1};
  BOOST_TEST(sampler.run_one(wish).id == 2);
  wish.mask = {0b1001u};
  BOOST_TEST(sampler.run_one(wish).id == 3);
  wish.forced = 0;
  BOOST_TEST(sampler.run_one(wish).id == 0);
}

BOOST_AUTO_TEST_CASE(nan_is_never_chosen_and_infinity_is) {
  wish.logits[1] = std::numeric_limits<float>::quiet_NaN();
  BOOST_TEST(sampler.run_one(wish).id == 2);
  wish.logits[3] = std::numeric_limits<float>::infinity();
  BOOST_TEST(sampler.run_one(wish).id == 3);
}

BOOST_AUTO_TEST_CASE(serves_only_what_it_can_do) {
  BOOST_TEST(tenon::greedy::serves({.temperature = 0.0f}));
  BOOST_TEST(!tenon::greedy::serves({.temperature = 0.5f}));
  BOOST_TEST(!tenon::greedy::serves({.temperature = 0.0f, .frequency_penalty = 0.1f}));
  BOOST_TEST(!tenon::greedy::serves({.temperature = 0.0f, .logprobs = 0}));
  BOOST_TEST(!tenon::greedy::serves({.temperature = 0.0f, .bias_end = 2}));
}

BOOST_AUTO_TEST_SUITE_END()
