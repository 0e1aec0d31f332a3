// SPDX-License-Identifier: Apache-2.0
#include "tenon/runtime/scratch_work.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "engine/small_engines.hpp"
#include "tenon/checkpoint/background_arrival.hpp"

namespace {

using namespace tenon;

struct capturable_attention : reference_attention {
  static constexpr bool capturable = true;
};

/// Notes what it was asked for.
struct noting_forward {
  static constexpr std::string_view name = "noting";
  static inline std::vector<std::int32_t> layers{};
  static inline std::vector<batch_shape> shapes{};
  static inline std::atomic<int> finished{0};

  template <class Attention, class M, class P, class B, class View, class Parallel>
  static void run(typename B::context& context, batch_view const& batch,
                  model_weights<M, P, B> const& weights, rope_view const& rope, View const& kv,
                  Parallel& parallel, activations<P> const& work, std::int32_t count) {
    layers.push_back(count);
    shapes.push_back(batch.shape);
    op_chain::run<Attention>(context, batch, weights, rope, kv, parallel, work, count);
    ++finished;
  }
};

/// Captures nothing, and notes what a policy that does would have been given.
struct noting_launch {
  static constexpr std::string_view name = "noting";
  static constexpr bool captures = true;
  static constexpr std::array<std::int32_t, 3> buckets{8, 4, 1};
  static inline std::vector<std::int32_t> prepared{};
  static inline std::vector<batch_shape> run_shapes{};

  static constexpr batch_shape padded(batch_shape const& shape) noexcept { return padded_to<8, 4, 1>(shape); }

  template <class Context, class Record> void prepare(Context&, batch_shape const& shape, Record&& record) {
    prepared.push_back(shape.rows);
    record();
  }
  template <class Context, class Record> void run(Context&, batch_shape const& shape, Record&& record) {
    run_shapes.push_back(shape);
    record();
  }
  launch_counts counts() const { return {}; }
};

/// The reference, as if other numbers of rows ran other code: up to 3, 6, 12, 24, ...
struct classifying_backend : cpu::backend {
  static constexpr std::int32_t row_class(std::int32_t rows) noexcept {
    return rows <= 3 ? 3 : 2 * row_class((rows + 1) / 2);
  }
};
static_assert(requirement::loads_at_first_use<classifying_backend>);
static_assert(!requirement::loads_at_first_use<cpu::backend>);

struct noting : compose<small::qwen3_model, capturable_attention, noting_launch> {
  using backend = classifying_backend;
  using forward = noting_forward;
};

struct classified : recipes::reference<small::qwen3_model> {
  using backend = classifying_backend;
  using forward = noting_forward;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(scratch_work)

BOOST_AUTO_TEST_CASE(prompts_fill_the_batch_within_rows_and_contexts) {
  batch_limits const limits{.max_rows = 3, .max_tokens = 100, .max_context = 40, .page_tokens = 16};
  tenon::scratch_work work{7, 3, limits};
  auto const full = work.prompt(100);
  BOOST_TEST(full.tokens == 100);
  BOOST_TEST(full.rows.size() == 3u);
  BOOST_TEST(full.rows.back().samples);
  BOOST_TEST(work.prompt(1000).tokens == 100);
  auto const ordered = work.prompt(41);  // a row of 40, and one of a single token, which comes first
  BOOST_TEST(ordered.decode_rows == 1);
  BOOST_TEST(ordered.rows.front().count == 1);
  BOOST_TEST(work.prompt(1).decode_only());
  BOOST_TEST(work.pages(0).size() == 3u);
  for (auto const page : work.pages(0)) BOOST_TEST(page == 7);
}

// With the buckets that fit, largest first, and without a trace in what is computed afterwards.
BOOST_AUTO_TEST_CASE(a_capturing_policy_is_prepared_before_the_first_step) {
  using capturing = compose<small::qwen3_model, capturable_attention, noting_launch>;
  using plain = recipes::reference<small::qwen3_model>;
  auto options = small::options();
  options.max_rows = 4;
  noting_launch::prepared.clear();
  engine<capturing> one{small::weights<capturing>(), options};
  BOOST_TEST((noting_launch::prepared == std::vector<std::int32_t>{4, 1}));
  engine<plain> other{small::weights<plain>(), options};
  auto const wish = small::greedy_request({1, 2, 3, 4, 5}, 12);
  BOOST_TEST((small::answer(one, wish).ids == small::answer(other, wish).ids));
  for (auto const& shape : noting_launch::run_shapes) {
    if (shape.decode_only()) BOOST_TEST((shape.rows == 1 && shape.sample_rows == 1));
  }
}

BOOST_AUTO_TEST_CASE(one_layer_warms_up_what_all_layers_run) {
  constexpr auto all = small::qwen3_model::shape.layers;
  auto options = small::options();
  options.max_rows = 4;
  options.max_tokens = 10;
  noting_forward::layers.clear();
  engine<noting> one{small::weights<noting>(), options};
  BOOST_TEST((noting_forward::layers == std::vector<std::int32_t>{1, 1, 1, 1, 1, all, all}),
             "3 and 4 rows, prompts of 6 and 10 tokens and a copied page, then the two buckets");
  noting_forward::layers.clear();
  small::answer(one, small::greedy_request({1, 2, 3}, 2));
  BOOST_TEST((noting_forward::layers == std::vector<std::int32_t>(2, all)));
}

// Also where nothing is captured: whoever asks first would else wait for what his prompt's length loads.
BOOST_AUTO_TEST_CASE(every_class_of_row_counts_is_run_before_the_first_step) {
  using plain = recipes::reference<small::qwen3_model>;
  auto options = small::options();
  options.max_rows = 7;
  options.max_tokens = 50;
  options.memory_bytes = engine<classified>::memory_for(options, 200);
  noting_forward::shapes.clear();
  engine<classified> one{small::weights<classified>(), options};
  auto const shapes = std::exchange(noting_forward::shapes, {});
  std::vector<std::int32_t> tokens;
  for (auto const& shape : shapes) tokens.push_back(shape.tokens);
  BOOST_TEST_REQUIRE((tokens == std::vector<std::int32_t>{3, 6, 7, 12, 24, 48, 50, 1}));
  for (std::size_t i = 0; i < 3; ++i) BOOST_TEST((shapes[i] == decode_shape(tokens[i])));  // all have logits
  for (std::size_t i = 3; i < 7; ++i) BOOST_TEST(!shapes[i].decode_only());
  BOOST_TEST(shapes.back().page_copies == 1);

  auto few = options;  // two rows with contexts of 8 never fill 50 tokens
  few.max_rows = 2;
  few.max_context = 8;
  engine<classified> small_one{small::weights<classified>(), few};
  tokens.clear();
  for (auto const& shape : std::exchange(noting_forward::shapes, {})) tokens.push_back(shape.tokens);
  BOOST_TEST((tokens == std::vector<std::int32_t>{2, 3, 6, 12, 16, 1}));
  engine<plain> other{small::weights<plain>(), options};
  auto const wish = small::greedy_request({1, 2, 3, 4, 5}, 12);
  BOOST_TEST((small::answer(one, wish).ids == small::answer(other, wish).ids));
}

// Only the addresses of weights are needed to warm up; nothing is captured before they are there.
BOOST_AUTO_TEST_CASE(an_engine_warms_up_while_its_weights_come) {
  using plain = recipes::reference<small::qwen3_model>;
  auto weights = small::weights<noting>();
  auto& memory = weights.storage.front();
  std::vector<std::byte> const values{memory.data(), memory.data() + memory.size()};
  std::fill_n(memory.data(), memory.size(), std::byte{});
  noting_launch::prepared.clear();
  noting_forward::finished = 0;
  bool captured_before = true;
  weights.arrival = std::make_unique<background_arrival>(
      [&values, &captured_before, to = memory.data()](std::stop_token const&) {
        while (noting_forward::finished < 3) std::this_thread::yield();  // a row, a prompt, a copy
        std::this_thread::sleep_for(std::chrono::milliseconds{50});      // for whoever would not wait
        captured_before = !noting_launch::prepared.empty();
        std::ranges::copy(values, to);
      });
  auto options = small::options();
  options.max_rows = 1;
  options.max_tokens = 3;
  engine<noting> one{std::move(weights), options};
  BOOST_TEST(!captured_before);
  BOOST_TEST(noting_launch::prepared == std::vector<std::int32_t>{1});
  engine<plain> other{small::weights<plain>(), options};
  auto const wish = small::greedy_request({1, 2, 3, 4, 5}, 12);
  BOOST_TEST((small::answer(one, wish).ids == small::answer(other, wish).ids));
}

BOOST_AUTO_TEST_CASE(weights_that_do_not_come_make_no_engine) {
  using plain = recipes::reference<small::qwen3_model>;
  auto weights = small::weights<plain>();
  weights.arrival = std::make_unique<background_arrival>([](std::stop_token const&) {
    throw load_error{"model.safetensors", "gone"};
  });
  BOOST_CHECK_THROW(engine<plain>(std::move(weights), small::options()), load_error);
}

// A recording holds addresses, and steps in flight have blocks of their own.
BOOST_AUTO_TEST_CASE(every_step_in_flight_has_its_recordings) {
  using capturing = compose<small::qwen3_model, capturable_attention, noting_launch>;
  auto options = small::options();
  options.max_rows = 4;
  options.depth = 2;
  noting_launch::prepared.clear();
  engine<capturing> one{small::weights<capturing>(), options};
  BOOST_TEST((noting_launch::prepared == std::vector<std::int32_t>{4, 4, 1, 1}));
}

BOOST_AUTO_TEST_CASE(counts_of_several_policies_add_up) {
  launch_tally<1, 4> one;
  launch_tally<1, 4> other;
  one.count({.rows = 4, .decode_rows = 4, .tokens = 4}, true);
  other.count({.rows = 1, .decode_rows = 1, .tokens = 1}, false);
  auto sum = one.counts();
  sum += other.counts();
  launch_counts const expected{.replayed = 1,
                               .eager = 1,
                               .decode_only = 2,
                               .buckets = {{.rows = 1, .eager = 1}, {.rows = 4, .replayed = 1}}};
  BOOST_TEST((sum == expected));
}

BOOST_AUTO_TEST_CASE(steps_are_counted_by_bucket) {
  launch_tally<1, 4> tally;
  batch_shape const four{.rows = 4, .decode_rows = 4, .tokens = 4};
  tally.count(four, true);
  tally.count(four, false);
  tally.count({.rows = 3, .decode_rows = 3, .tokens = 3}, false);
  tally.count({.rows = 4, .decode_rows = 3, .tokens = 40}, false);
  launch_counts const expected{.replayed = 1,
                               .eager = 3,
                               .decode_only = 3,
                               .buckets = {{.rows = 1}, {.rows = 4, .replayed = 1, .eager = 1}}};
  BOOST_TEST((tally.counts() == expected));
}

BOOST_AUTO_TEST_SUITE_END()
