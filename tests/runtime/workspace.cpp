// SPDX-License-Identifier: Apache-2.0
#include "tenon/runtime/workspace.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

#include "engine/small_engines.hpp"

namespace {

using namespace tenon;
using plain = recipes::reference<small::qwen3_model>;

constexpr runner_options sizes{.max_rows = 3, .max_tokens = 20, .max_context = 64, .depth = 2};

}  // namespace

BOOST_AUTO_TEST_SUITE(workspace)

BOOST_AUTO_TEST_CASE(a_budget_of_memory_for_holds_that_many_positions) {
  for (std::int64_t const positions : {1, 16, 17, 160}) {
    auto options = sizes;
    options.memory_bytes = memory_for<plain>(sizes, positions);
    model_runner<plain> const roomy{small::weights<plain>(), options};
    BOOST_CHECK_EQUAL(roomy.ledger(true).pages, (positions + 15) / 16);
    options.memory_bytes = memory_for<plain>(sizes, positions) - 1;
    if (positions <= 16) {
      BOOST_CHECK_THROW((model_runner<plain>{small::weights<plain>(), options}), options_error);
    } else {
      model_runner<plain> const less{small::weights<plain>(), options};
      BOOST_CHECK_EQUAL(less.ledger(true).pages, (positions + 15) / 16 - 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_sampled_block_is_four_arrays_side_by_side) {
  std::vector<std::byte> block(tenon::workspace<plain>::sampled_bytes(sizes));
  auto const view = tenon::workspace<plain>::sampled_in(block.data(), sizes);
  auto const offset = [&](auto const* data) {
    return reinterpret_cast<std::byte const*>(data) - block.data();
  };
  BOOST_CHECK_EQUAL(offset(view.ids), 0);
  BOOST_CHECK_EQUAL(offset(view.logprobs), 3 * 4);
  BOOST_CHECK_EQUAL(offset(view.top_ids), 6 * 4);
  BOOST_CHECK_EQUAL(offset(view.top_logprobs), (6 + 3 * max_logprobs) * 4);
  BOOST_CHECK_EQUAL(static_cast<std::size_t>(offset(view.top_logprobs + 3 * max_logprobs)), block.size());
}

BOOST_AUTO_TEST_SUITE_END()
