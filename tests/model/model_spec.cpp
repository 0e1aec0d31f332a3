// SPDX-License-Identifier: Apache-2.0
#include "tenon/model/model_spec.hpp"

#include <boost/test/unit_test.hpp>

#include "tenon/model/qwen2.hpp"
#include "tenon/model/qwen3.hpp"

using namespace tenon;

namespace {

/// Parameters of one decoder, from its shape: what the published model cards round.
template <class M> constexpr double billions_of_parameters() {
  constexpr decoder_shape s = M::shape;
  double const layer = static_cast<double>(s.hidden) * (s.qkv_width() + s.query_width() + 3.0 * s.ffn);
  double const tables = static_cast<double>(s.vocabulary) * s.hidden * (s.tied_embeddings ? 1 : 2);
  return (s.layers * layer + tables) / 1e9;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(model_spec)

BOOST_AUTO_TEST_CASE(derived_widths_follow_from_heads) {
  constexpr decoder_shape shape = qwen2_5_7b::shape;
  BOOST_CHECK_EQUAL(shape.group(), 7);
  BOOST_CHECK_EQUAL(shape.query_width(), 3584);
  BOOST_CHECK_EQUAL(shape.kv_width(), 512);
  BOOST_CHECK_EQUAL(shape.qkv_width(), 4608);
  BOOST_CHECK_EQUAL(qwen3_0_6b::shape.query_width(), 2048);  // twice its hidden width
}

BOOST_AUTO_TEST_CASE(sizes_are_those_of_the_published_models) {
  BOOST_CHECK_CLOSE(billions_of_parameters<qwen3_0_6b>(), 0.596, 1.0);
  BOOST_CHECK_CLOSE(billions_of_parameters<qwen3_1_7b>(), 1.72, 1.0);
  BOOST_CHECK_CLOSE(billions_of_parameters<qwen3_4b>(), 4.02, 1.0);
  BOOST_CHECK_CLOSE(billions_of_parameters<qwen3_8b>(), 8.19, 1.0);
  BOOST_CHECK_CLOSE(billions_of_parameters<qwen2_5_0_5b>(), 0.494, 1.0);
  BOOST_CHECK_CLOSE(billions_of_parameters<qwen2_5_1_5b>(), 1.54, 1.0);
  BOOST_CHECK_CLOSE(billions_of_parameters<qwen2_5_7b>(), 7.61, 1.0);
}

BOOST_AUTO_TEST_SUITE_END()
