// SPDX-License-Identifier: Apache-2.0
// Two policies of a user, each one file, held to what tenon asks of its own: run this program, it is a test.

#define BOOST_TEST_MODULE own_policy
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "conformance/attention_policy.hpp"
#include "conformance/scheduler_policy.hpp"
#include "shortest_first.hpp"
#include "streaming_attention.hpp"
#include "tenon/cache/contiguous_ledger.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/cpu.hpp"

BOOST_AUTO_TEST_CASE(scheduler_conforms) {
  tenon::conformance::scheduler_promises const promises{.first_in_first_out = false};
  tenon::conformance::check_scheduler_policy<shortest_first>(2000, promises);
  tenon::conformance::check_scheduler_policy<shortest_first, tenon::prefix_ledger>(2000, promises);
}

BOOST_AUTO_TEST_CASE(attention_conforms) {
  tenon::cpu::context context{{.threads = 2}};
  tenon::conformance::check_attention_policy<streaming_attention, tenon::cpu::backend>(
      context, {.rounds = 1, .longest = 200});
}

namespace {

/// Small enough to run in milliseconds.
struct test_model : tenon::qwen3_family {
  static constexpr std::string_view name = "test model";
  static constexpr tenon::decoder_shape shape{.hidden = 128,
                                              .layers = 2,
                                              .query_heads = 4,
                                              .kv_heads = 2,
                                              .head_dim = 32,
                                              .ffn = 256,
                                              .vocabulary = 512,
                                              .tied_embeddings = true,
                                              .qk_norm = true};
};

/// The greedy ids of a few requests.
template <class Recipe> std::vector<std::vector<tenon::token_id>> answers() {
  tenon::decoder_parameters const parameters{.max_positions = 128};
  tenon::engine<Recipe> engine{tenon::random_weights<Recipe>(parameters, 7)};
  std::vector<std::vector<tenon::token_id>> ids(5);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    tenon::request wish{.max_new_tokens = 12, .sampling = {.temperature = 0.0f}};
    for (std::size_t t = 0; t < 3 + 7 * i; ++t)
      wish.prompt.push_back(static_cast<tenon::token_id>((t * t + i) % 512));
    engine.submit(wish, [&ids, i](tenon::event const& happened) {
      if (happened.token) ids[i].push_back(*happened.token);
    });
  }
  while (engine.run_one_step()) {
  }
  return ids;
}

}  // namespace

// Neither how a step is scheduled nor how attention is computed changes what a model says.
BOOST_AUTO_TEST_CASE(an_engine_of_both_answers_as_the_reference_does) {
  using mine = tenon::compose<test_model, shortest_first, streaming_attention>;
  auto const expected = answers<tenon::recipes::reference<test_model>>();
  auto const found = answers<mine>();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    BOOST_TEST(expected[i].size() == 12u);
    BOOST_TEST(found[i] == expected[i], boost::test_tools::per_element());
  }
}
