// SPDX-License-Identifier: Apache-2.0
#include "tenon/model/rope.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>

using namespace tenon;

BOOST_AUTO_TEST_SUITE(rope)

BOOST_AUTO_TEST_CASE(plain_frequencies_fall_from_one_by_powers_of_theta) {
  auto const frequencies = rope_frequencies({.rope_theta = 1e6}, 128);
  BOOST_REQUIRE_EQUAL(frequencies.size(), 64u);
  BOOST_CHECK_EQUAL(frequencies[0], 1.0f);
  for (std::size_t i = 0; i < 64; ++i) {
    BOOST_CHECK_CLOSE(frequencies[i], std::pow(1e6, -static_cast<double>(2 * i) / 128), 1e-4);
  }
  BOOST_CHECK_EQUAL(rope_attention_scaling({}), 1.0f);
}

BOOST_AUTO_TEST_CASE(yarn_keeps_fast_pairs_and_stretches_slow_ones_by_the_given_factor) {
  decoder_parameters const plain{.rope_theta = 1e6};
  decoder_parameters const yarn{.rope_theta = 1e6,
                                .rope_scaling = yarn_scaling{.factor = 4.0, .original_max_positions = 32768}};
  auto const before = rope_frequencies(plain, 128);
  auto const after = rope_frequencies(yarn, 128);
  // The pair that turns r times in 32,768 positions is 128 * ln(32768 / (2 pi r)) / (2 ln 1e6): r = 32
  // gives 23.6, r = 1 gives 39.7.
  for (std::size_t i = 0; i <= 23; ++i) BOOST_CHECK_CLOSE(after[i], before[i], 1e-4);
  for (std::size_t i = 40; i < 64; ++i) BOOST_CHECK_CLOSE(after[i], before[i] / 4, 1e-4);
  BOOST_CHECK_LT(after[30], before[30]);
  BOOST_CHECK_GT(after[30], before[30] / 4);
  BOOST_CHECK_CLOSE(rope_attention_scaling(yarn), 0.1 * std::log(4.0) + 1, 1e-5);
}

BOOST_AUTO_TEST_CASE(an_attention_factor_of_the_checkpoint_wins) {
  decoder_parameters const yarn{
      .rope_scaling = yarn_scaling{.factor = 4.0, .original_max_positions = 32768, .attention_factor = 0.5}};
  BOOST_CHECK_EQUAL(rope_attention_scaling(yarn), 0.5f);
  decoder_parameters const shrunk{.rope_scaling =
                                      yarn_scaling{.factor = 0.5, .original_max_positions = 32768}};
  BOOST_CHECK_EQUAL(rope_attention_scaling(shrunk), 1.0f);
}

BOOST_AUTO_TEST_CASE(a_table_row_holds_cosines_then_sines) {
  decoder_parameters const parameters{.rope_theta = 1e4};
  std::vector<float> table(50 * 8);
  fill_rope_table(parameters, 8, table);
  auto const frequencies = rope_frequencies(parameters, 8);
  for (std::size_t p = 0; p < 50; ++p) {
    for (std::size_t i = 0; i < 4; ++i) {
      BOOST_CHECK_SMALL(table[p * 8 + i] - std::cos(static_cast<double>(p) * frequencies[i]), 1e-5);
      BOOST_CHECK_SMALL(table[p * 8 + 4 + i] - std::sin(static_cast<double>(p) * frequencies[i]), 1e-5);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
