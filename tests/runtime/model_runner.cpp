// SPDX-License-Identifier: Apache-2.0
#include "tenon/runtime/model_runner.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <vector>

#include "engine/small_engines.hpp"

namespace {

using namespace tenon;

constexpr runner_options sizes{
    .max_rows = 4, .max_tokens = 16, .max_context = 64, .memory_bytes = std::size_t{4} << 20};

template <class Recipe> struct bench {
  tenon::model_runner<Recipe> runner{small::weights<Recipe>(), sizes};
  typename Recipe::cache::ledger ledger{runner.ledger(false)};
  std::deque<sequence> sequences;

  sequence& add(std::vector<token_id> prompt) {
    auto& seq = sequences.emplace_back();
    seq.wish = std::make_shared<request const>(small::greedy_request(prompt, 8));
    seq.tokens = std::move(prompt);
    seq.prompt_tokens = seq.known();
    seq.slot = static_cast<slot_id>(sequences.size() - 1);
    seq.fresh_slot = true;
    BOOST_REQUIRE(ledger.reserve(seq.slot, 64));
    return seq;
  }

  static step_row row(sequence& seq, std::int32_t begin, std::int32_t count, bool samples) {
    return {.seq = &seq, .slot = seq.slot, .begin = begin, .count = count, .samples = samples};
  }

  std::vector<token_id> run(std::vector<step_row> rows) {
    step planned{.rows = std::move(rows)};
    for (auto const& r : planned.rows) {
      planned.tokens += r.count;
      if (r.count == 1) ++planned.decode_rows;
    }
    runner.launch(planned, ledger);
    auto const result = runner.wait();
    return {result.ids.begin(), result.ids.end()};
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(model_runner)

BOOST_AUTO_TEST_CASE(only_sampling_rows_yield_ids_padded_or_not) {
  bench<recipes::reference<small::qwen3_model>> plain;
  bench<compose<small::qwen3_model, eager<4>>> padded;
  auto const both = [](auto& b) {
    auto& first = b.add({1, 2, 3});
    auto& second = b.add({4, 5});
    b.run({b.row(first, 0, 2, false)});
    b.run({b.row(second, 0, 1, false)});
    auto ids = b.run({b.row(first, 2, 1, false), b.row(second, 1, 1, true)});  // decode-only, one row silent
    BOOST_CHECK_EQUAL(ids.size(), 1u);
    return ids;
  };
  BOOST_TEST(both(plain) == both(padded), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_budget_is_one_allocation_and_is_accounted_for) {
  bench<recipes::reference<small::qwen3_model>> b;
  auto const memory = b.runner.memory();
  BOOST_CHECK_EQUAL(memory.cache + memory.workspace + memory.unused, sizes.memory_bytes);
  BOOST_CHECK_EQUAL(memory.weights, b.runner.weights().bytes());
  auto const page = paged_cache<16>::page_bytes<small::qwen3_model, fp32>(16);
  BOOST_CHECK_EQUAL(page, 2u * 2 * 2 * 16 * 16 * sizeof(float));
  BOOST_CHECK_EQUAL(memory.cache, page * static_cast<std::size_t>(b.ledger.usage().total + 1));
  BOOST_CHECK_LT(memory.unused, 2 * page);
}

BOOST_AUTO_TEST_CASE(a_contiguous_cache_takes_a_region_a_row_and_no_more) {
  bench<compose<small::qwen3_model, contiguous_cache>> b;
  BOOST_CHECK_EQUAL(b.ledger.usage().total, sizes.max_rows);
}

BOOST_AUTO_TEST_CASE(a_copied_page_holds_the_same_keys_and_values) {
  bench<recipes::reference<small::qwen3_model>> b;
  auto& parent = b.add({1, 2, 3, 4, 5});
  b.run({b.row(parent, 0, 5, true)});
  auto const expected = b.run({b.row(parent, 4, 1, true)});

  auto& child = b.sequences.emplace_back();
  child.wish = parent.wish;
  child.tokens = parent.tokens;
  child.prompt_tokens = 5;
  child.slot = 1;
  auto const copies = b.ledger.fork(0, 1, 4);
  BOOST_REQUIRE(copies && copies->size() == 1);
  step planned{.rows = {b.row(child, 4, 1, true)}, .page_copies = *copies, .decode_rows = 1, .tokens = 1};
  b.runner.launch(planned, b.ledger);
  auto const result = b.runner.wait();
  BOOST_CHECK_EQUAL(result.ids[0], expected[0]);
}

BOOST_AUTO_TEST_CASE(two_steps_in_flight_come_back_in_order) {
  auto options = sizes;
  options.depth = 2;
  using recipe_small = recipes::reference<small::qwen3_model>;
  tenon::model_runner<recipe_small> runner{small::weights<recipe_small>(), options};
  prefix_ledger ledger{runner.ledger(false)};
  sequence seq;
  seq.wish = std::make_shared<request const>(small::greedy_request({1, 2, 3}, 8));
  seq.tokens = seq.wish->prompt;
  seq.prompt_tokens = 3;
  seq.slot = 0;
  BOOST_REQUIRE(ledger.reserve(0, 16));
  step first{.rows = {{.seq = &seq, .slot = 0, .begin = 0, .count = 3, .samples = true}}, .tokens = 3};
  step second{
      .rows = {{.seq = &seq, .slot = 0, .begin = 3, .count = 1, .samples = true, .input_on_device = true}},
      .decode_rows = 1,
      .tokens = 1};
  runner.launch(first, ledger);
  runner.launch(second, ledger);
  BOOST_CHECK_EQUAL(runner.steps_in_flight(), 2u);
  auto const id = runner.wait().ids[0];
  auto const next = runner.wait().ids[0];
  BOOST_CHECK(!runner.has_work_in_flight());

  engine<recipe_small> direct{small::weights<recipe_small>(), small::options()};
  auto const told = small::answer(direct, small::greedy_request({1, 2, 3}, 2)).ids.at(0);
  BOOST_CHECK_EQUAL(id, told[0]);
  BOOST_CHECK_EQUAL(next, told[1]);
}

BOOST_AUTO_TEST_SUITE_END()
