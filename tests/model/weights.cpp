// SPDX-License-Identifier: Apache-2.0
#include "tenon/model/weights.hpp"

#include <boost/test/unit_test.hpp>

#include "engine/small_engines.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(weights)

BOOST_AUTO_TEST_CASE(bytes_are_those_of_the_allocations) {
  using recipe_small = compose<small::qwen2_model, tenon::bf16>;
  auto const made = small::weights<recipe_small>();
  constexpr auto s = small::qwen2_model::shape;
  std::int64_t const matrices =
      s.layers * s.hidden * (s.qkv_width() + s.query_width() + 3 * s.ffn) + 2 * s.vocabulary * s.hidden;
  std::int64_t const vectors = s.layers * (2 * s.hidden + s.qkv_width()) + s.hidden;
  BOOST_CHECK_GE(made.bytes(), static_cast<std::size_t>(2 * matrices + 4 * vectors));
  BOOST_CHECK_LE(made.bytes(),
                 static_cast<std::size_t>(2 * matrices + 4 * vectors) + 256 * (9 * s.layers + 4));
}

BOOST_AUTO_TEST_CASE(weights_move_whole) {
  using recipe_small = recipes::reference<small::qwen3_model>;
  auto first = small::weights<recipe_small>();
  float const* const row = first.embedding.row(3);
  float const value = row[1];
  auto const second = std::move(first);
  BOOST_CHECK_EQUAL(second.embedding.row(3), row);
  BOOST_CHECK_EQUAL(second.embedding.row(3)[1], value);
  BOOST_CHECK_EQUAL(second.head.data, second.embedding.data);  // tied
}

BOOST_AUTO_TEST_SUITE_END()
