// SPDX-License-Identifier: Apache-2.0
// The shipped model through the whole engine on a GPU: its greedy ids against those of transformers in fp32,
// replayed against eager steps, alone against batched, and what it leaves allocated.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cuda/device.hpp"
#include "integration/stored_answers.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/engine/engine.hpp"
#include "tenon/launch/eager.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/recipes/serving.cuh"

namespace {

using namespace tenon;
using testing::answered;
using testing::model_directory;
using testing::stored_answers;

struct replayed : recipes::serving<qwen3_tiny> {
  using cache = paged_cache<16>;
  using launch = graph_replay<1, 2, 4, 8, 16>;
};

struct enqueued : replayed {
  using launch = eager<1, 2, 4, 8, 16>;
};

struct unpadded : replayed {
  using launch = eager<>;
};

/// A layer of Qwen3-1.7B and a small vocabulary.
struct wide_layer : qwen3_family {
  static constexpr std::string_view name = "wide-layer";
  static constexpr decoder_shape shape{.hidden = 2048,
                                       .layers = 1,
                                       .query_heads = 16,
                                       .kv_heads = 8,
                                       .head_dim = 128,
                                       .ffn = 6144,
                                       .vocabulary = 512,
                                       .tied_embeddings = true,
                                       .qk_norm = true};
};

struct wide : recipes::serving<wide_layer> {
  using launch = eager<>;  // which loads what its steps need as well as one that captures
};

std::uint64_t seed() {
  char const* const given = std::getenv("TENON_TEST_SEED");
  return given != nullptr ? std::stoull(given) : 20261122;
}

template <class R>
std::unique_ptr<engine<R>> load(std::int32_t rows, std::int64_t positions, std::int32_t depth = 2) {
  engine_options options{.max_rows = rows, .max_tokens = 256, .max_context = 2048, .depth = depth, .seed = 5};
  options.memory_bytes = engine<R>::memory_for(options, positions);
  return std::make_unique<engine<R>>(load_weights_in_background<R>(model_directory()), options);
}

request greedy_request(std::vector<token_id> prompt, std::int32_t most) {
  request wish;
  wish.prompt = std::move(prompt);
  wish.max_new_tokens = most;
  wish.sampling.temperature = 0.0f;
  return wish;
}

/// Ids of every request, all submitted at once.
template <class R>
std::vector<std::vector<token_id>> answers(engine<R>& running, std::vector<answered> const& lines) {
  std::vector<std::vector<token_id>> ids(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    running.submit(greedy_request(lines[i].prompt, 256), [&ids, i](event const& happened) {
      if (happened.token) ids[i].push_back(*happened.token);
    });
  }
  while (running.run_one_step()) {
  }
  return ids;
}

/// Requests that arrive, sample in every way, are cancelled and, with so few pages, preempted.
template <class R> std::vector<std::vector<token_id>> random_run(std::uint64_t seed, std::int32_t depth) {
  auto const running = load<R>(16, 1200, depth);
  std::mt19937_64 random{seed};
  auto const below = [&](std::uint64_t limit) { return static_cast<std::int32_t>(random() % limit); };
  std::vector<std::vector<token_id>> ids;
  ids.reserve(200);
  std::vector<request_id> open;
  for (int step = 0; step < 400; ++step) {
    if (ids.size() < 150 && below(3) == 0) {
      request wish = greedy_request({}, 1 + below(80));
      for (int i = 1 + below(120); i > 0; --i) wish.prompt.push_back(below(4000));
      wish.sampling.temperature = below(2) == 0 ? 0.0f : 0.8f;
      wish.sampling.top_p = below(2) == 0 ? 1.0f : 0.9f;
      wish.sampling.top_k = below(2) == 0 ? 0 : 20;
      wish.sampling.repetition_penalty = below(3) == 0 ? 1.2f : 1.0f;
      wish.sampling.seed = random();
      wish.choices = 1 + (below(8) == 0 ? 2 : 0);
      auto const place = ids.size();
      ids.resize(place + static_cast<std::size_t>(wish.choices));
      open.push_back(running->submit(std::move(wish), [&ids, place](event const& happened) {
        if (happened.token) ids[place + static_cast<std::size_t>(happened.choice)].push_back(*happened.token);
      }));
    }
    if (!open.empty() && below(25) == 0) running->cancel(open[static_cast<std::size_t>(below(open.size()))]);
    running->run_one_step();
  }
  while (running->run_one_step()) {
  }
  BOOST_TEST(running->stats().pages.held == 0);
  if constexpr (R::launch::captures) {
    auto const steps = running->stats().steps;
    BOOST_TEST(steps.replayed == steps.decode_only);
    BOOST_TEST(steps.replayed > 0);
  }
  return ids;
}

using id_lists = std::vector<std::vector<token_id>>;

/// For a failure's message: how many lists differ, and where the first one does.
std::string first_difference(id_lists const& one, id_lists const& other) {
  if (one.size() != other.size())
    return std::to_string(one.size()) + " and " + std::to_string(other.size()) + " lists";
  std::size_t differ = 0;
  std::string first;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i] == other[i]) continue;
    auto const at = std::ranges::mismatch(one[i], other[i]).in1 - one[i].begin();
    if (differ++ == 0) {
      first = "the first is list " + std::to_string(i) + " of " + std::to_string(one[i].size()) + " and " +
              std::to_string(other[i].size()) + " ids, from id " + std::to_string(at);
    }
  }
  return std::to_string(differ) + " of " + std::to_string(one.size()) + " lists differ, " + first;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cuda_engine)

BOOST_AUTO_TEST_CASE(greedy_ids_are_nearly_always_those_of_the_reference_in_fp32) {
  if (!testing::has_device()) return;
  auto const lines = stored_answers();
  auto const running = load<replayed>(16, 16 * 1024);
  auto const found = answers(*running, lines);
  std::size_t same = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) same += found[i] == lines[i].greedy;
  BOOST_TEST_MESSAGE(same << " of " << lines.size() << " prompts give the ids of transformers in fp32");
  BOOST_TEST(static_cast<double>(same) >= 0.99 * static_cast<double>(lines.size()));
}

BOOST_AUTO_TEST_CASE(replayed_and_eager_steps_give_the_same_ids) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("TENON_TEST_SEED=" << seed());
  for (std::int32_t const depth : {1, 2}) {
    for (std::uint64_t round = 0; round < 3; ++round) {
      auto const eager_ids = random_run<enqueued>(seed() + round, depth);
      auto const replayed_ids = random_run<replayed>(seed() + round, depth);
      BOOST_TEST((eager_ids == replayed_ids), "depth " << depth << ", TENON_TEST_SEED=" << seed() + round
                                                       << ": " << first_difference(eager_ids, replayed_ids));
    }
  }
}

BOOST_AUTO_TEST_CASE(alone_and_batched_ids_hardly_ever_differ) {
  if (!testing::has_device()) return;
  auto lines = stored_answers();
  lines.resize(200);
  auto const batched = answers(*load<replayed>(16, 16 * 1024), lines);
  auto const one = load<replayed>(1, 2048);
  std::size_t flips = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) flips += answers(*one, {lines[i]}).front() != batched[i];
  BOOST_TEST_MESSAGE(flips << " of " << lines.size() << " greedy answers differ between alone and batched");
  BOOST_TEST(flips <= lines.size() / 50);
}

// Steps of three rows are padded to four.
BOOST_AUTO_TEST_CASE(padded_and_unpadded_ids_hardly_ever_differ) {
  if (!testing::has_device()) return;
  auto lines = stored_answers();
  lines.resize(200);
  auto const padded = load<enqueued>(4, 4 * 1024);
  auto const bare = load<unpadded>(4, 4 * 1024);
  std::size_t flips = 0;
  for (std::size_t first = 0; first < lines.size(); first += 3) {
    std::vector<answered> const some{
        lines.begin() + static_cast<std::ptrdiff_t>(first),
        lines.begin() + static_cast<std::ptrdiff_t>(std::min(first + 3, lines.size()))};
    auto const with = answers(*padded, some);
    auto const without = answers(*bare, some);
    for (std::size_t i = 0; i < some.size(); ++i) flips += with[i] != without[i];
  }
  BOOST_TEST_MESSAGE(flips << " of " << lines.size() << " greedy answers differ between padded and not");
  BOOST_TEST(padded->stats().steps.buckets.at(2).eager > 0);  // of four rows, which nobody asked for
  BOOST_TEST(flips <= lines.size() / 50);
}

// Where there are several devices, the last one is not the one that a thread begins with.
BOOST_AUTO_TEST_CASE(runs_on_its_own_device_whatever_thread_calls) {
  if (!testing::has_device()) return;
  auto lines = stored_answers();
  lines.resize(20);
  int const last = cuda::device_count() - 1;
  std::unique_ptr<engine<replayed>> running;
  auto const in_a_thread = [](auto const& work) { std::thread{work}.join(); };
  in_a_thread([&] {
    engine_options options{.max_rows = 4, .max_tokens = 64, .max_context = 2048, .depth = 2};
    options.memory_bytes = engine<replayed>::memory_for(options, 4096);
    running = std::make_unique<engine<replayed>>(
        load_weights<replayed>(model_directory(), {.context = {.device = last}}), options);
  });
  std::vector<std::vector<token_id>> first, second;
  int current = -1;
  in_a_thread([&] {
    first = answers(*running, lines);
    cudaGetDevice(&current);
  });
  in_a_thread([&] { second = answers(*running, lines); });
  BOOST_TEST(current == last);
  BOOST_TEST((first == second));
  std::size_t same = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) same += first[i] == lines[i].greedy;
  BOOST_TEST(same + 1 >= lines.size());
  in_a_thread([&] { running.reset(); });
}

BOOST_AUTO_TEST_CASE(a_fraction_of_the_free_memory_becomes_the_budget) {
  if (!testing::has_device()) return;
  engine_options options{.max_rows = 4, .max_tokens = 64, .max_context = 2048, .memory_fraction = 0.05};
  auto weights = load_weights<replayed>(model_directory());
  auto const free = static_cast<double>(weights.context->free_bytes());
  engine<replayed> const running{std::move(weights), options};
  auto const memory = running.stats().memory;
  BOOST_TEST(static_cast<double>(memory.cache + memory.workspace + memory.unused) == 0.05 * free,
             boost::test_tools::tolerance(0.01));
  BOOST_TEST(running.stats().pages.total > 4 * 2048 / 16);
  options.memory_fraction = 1e-9;
  BOOST_CHECK_EXCEPTION(engine<replayed>(load_weights<replayed>(model_directory()), options), options_error,
                        [](options_error const& error) {
                          std::string_view const text{error.what()};
                          return text.starts_with("memory_fraction: ") && text.ends_with(" are missing");
                        });
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_after_the_start) {
  if (!testing::has_device()) return;
  auto const lines = stored_answers();
  auto const running = load<replayed>(16, 16 * 1024);
  auto& context = running->runner().context();
  auto const free = context.free_bytes();
  auto const products = context.gemms().size();
  answers(*running, {lines.begin(), lines.begin() + 400});
  BOOST_TEST(context.free_bytes() == free);
  BOOST_TEST(context.gemms().size() == products);  // whatever the prompts' lengths
}

// Some products of wide models have a kernel of their own for some row counts and cuBLASLt's for others; the
// shipped model's never fill a GPU.
BOOST_AUTO_TEST_CASE(no_length_of_a_prompt_is_new_to_a_wide_model) {
  if (!testing::has_device()) return;
  engine_options options{.max_rows = 12, .max_tokens = 1500, .max_context = 2048, .depth = 2};
  options.memory_bytes = engine<wide>::memory_for(options, 4096);
  engine<wide> running{random_weights<wide>({.rope_theta = 1e6, .max_positions = 2048}, 3), options};
  auto& context = running.runner().context();
  auto const free = context.free_bytes();
  auto const products = context.gemms().size();
  std::string found_late;
  for (std::int32_t tokens = 1; tokens <= 1500; tokens += 1 + tokens / 16) {
    running.submit(greedy_request(std::vector<token_id>(static_cast<std::size_t>(tokens), tokens % 500), 2),
                   [](event const&) {});
    while (running.run_one_step()) {
    }
    if (context.gemms().size() > products) found_late += " " + std::to_string(tokens);
    BOOST_TEST_REQUIRE(found_late.empty(), wide_layer::name << ": new to a prompt of" << found_late);
  }
  BOOST_TEST(context.free_bytes() == free);
}

BOOST_AUTO_TEST_SUITE_END()
