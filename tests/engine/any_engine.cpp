// SPDX-License-Identifier: Apache-2.0
#include "tenon/engine/any_engine.hpp"

#include <boost/test/unit_test.hpp>

#include "small_engines.hpp"

namespace {

using namespace tenon;
using small::greedy_request;

template <class Recipe> any_engine make() {
  return any_engine{std::make_unique<engine<Recipe>>(small::weights<Recipe>(), small::options())};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(any_engine)

BOOST_AUTO_TEST_CASE(it_answers_as_the_engine_that_it_holds) {
  using cpu_recipe = recipes::reference<small::qwen2_model>;
  engine<cpu_recipe> direct{small::weights<cpu_recipe>(), small::options()};
  auto held = make<cpu_recipe>();
  auto const expected = small::answer(direct, greedy_request({1, 2, 3}, 9));
  auto const heard = small::answer(held, greedy_request({1, 2, 3}, 9));
  BOOST_TEST(heard.ids.at(0) == expected.ids.at(0), boost::test_tools::per_element());
  auto expected_stats = direct.stats();
  BOOST_CHECK_GT(expected_stats.busy_nanoseconds, 0);
  expected_stats.busy_nanoseconds = held.stats().busy_nanoseconds;
  BOOST_CHECK(held.stats() == expected_stats);
  BOOST_CHECK(held.idle());
  BOOST_CHECK_THROW(held.check(greedy_request({}, 1)), request_error);
}

BOOST_AUTO_TEST_CASE(several_recipes_stand_behind_one_type) {
  std::vector<tenon::any_engine> engines;
  engines.push_back(make<recipes::reference<small::qwen3_model>>());
  engines.push_back(make<compose<small::qwen2_model, bf16, static_batch>>());
  BOOST_CHECK_EQUAL(engines[0].description().model, "small-qwen3");
  BOOST_CHECK_EQUAL(engines[0].description().precision, "fp32");
  BOOST_CHECK_EQUAL(engines[1].description().model, "small-qwen2");
  BOOST_CHECK_EQUAL(engines[1].description().precision, "bf16");
  BOOST_CHECK_EQUAL(engines[1].description().scheduler, "static_batch");
  BOOST_CHECK_EQUAL(engines[1].description().vocabulary, 131);
  BOOST_CHECK_EQUAL(engines[0].description().cache_block_tokens,
                    recipes::reference<small::qwen3_model>::cache::page_tokens(0));
  BOOST_CHECK_EQUAL(engines[0].description().cache_blocks, engines[0].stats().pages.total);
  for (auto& engine : engines)
    BOOST_CHECK_EQUAL(small::answer(engine, greedy_request({1, 2}, 5)).ids.at(0).size(), 5u);
}

BOOST_AUTO_TEST_SUITE_END()
