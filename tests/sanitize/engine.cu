// SPDX-License-Identifier: Apache-2.0
// A few steps of a whole engine, replayed and eager, small enough for compute-sanitizer: what kernels of
// different files leave to each other, launched early as in service.
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "cuda/device.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/engine/engine.hpp"
#include "tenon/launch/eager.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/recipes/serving.cuh"

namespace {

using namespace tenon;

struct replayed : recipes::serving<qwen3_tiny> {
  using cache = paged_cache<16>;
  using launch = graph_replay<2>;
};

struct enqueued : replayed {
  using launch = eager<>;
};

/// A greedy prompt and one with two choices that draw; the greedy ids begin as those stored.
template <class R> void check_steps() {
  char const* const source = std::getenv("TENON_SOURCE_DIR");
  BOOST_REQUIRE_MESSAGE(source != nullptr, "TENON_SOURCE_DIR must name the repository");
  auto const directory = std::string{source} + "/examples/tiny_model";
  engine_options options{.max_rows = 4, .max_tokens = 64, .max_context = 256, .depth = 2, .seed = 5};
  options.memory_bytes = engine<R>::memory_for(options, 1024);
  engine<R> running{load_weights<R>(directory), options};

  constexpr std::size_t prompts = 1;
  constexpr std::int32_t most = 3;
  std::ifstream lines{directory + "/expected_ids.jsonl"};
  std::vector<std::vector<token_id>> expected, found(prompts);
  for (std::string line; expected.size() < prompts && std::getline(lines, line);) {
    auto const parsed = boost::json::parse(line);
    request wish;
    wish.prompt = boost::json::value_to<std::vector<token_id>>(parsed.at("prompt"));
    wish.max_new_tokens = most;
    wish.sampling.temperature = 0.0f;
    auto ids = boost::json::value_to<std::vector<token_id>>(parsed.at("greedy"));
    ids.resize(most);
    expected.push_back(ids);
    running.submit(wish, [&ids = found[expected.size() - 1]](event const& happened) {
      if (happened.token) ids.push_back(*happened.token);
    });
  }
  BOOST_REQUIRE(expected.size() == prompts);
  request drawn;
  drawn.prompt.assign(21, 1025);  // two pages, the second of which choices copy
  drawn.max_new_tokens = 2;
  drawn.choices = 2;
  drawn.sampling = {.temperature = 0.8f, .top_k = 20, .top_p = 0.9f, .repetition_penalty = 1.1f};
  std::size_t drawn_ids = 0;
  running.submit(drawn, [&](event const& happened) { drawn_ids += happened.token ? 1 : 0; });
  while (running.run_one_step()) {
  }
  BOOST_TEST((found == expected));
  BOOST_TEST(drawn_ids == 4u);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(engine)

BOOST_AUTO_TEST_CASE(replayed_steps) {
  if (!testing::has_device()) return;
  check_steps<replayed>();
}

BOOST_AUTO_TEST_CASE(enqueued_steps) {
  if (!testing::has_device()) return;
  check_steps<enqueued>();
}

BOOST_AUTO_TEST_SUITE_END()
