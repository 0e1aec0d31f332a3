// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/random_weights.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "checkpoint/error_text.hpp"
#include "checkpoint/small_models.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp32.hpp"

using tenon_test::small_qwen2;
using tenon_test::small_qwen3;
using tenon_test::weights_recipe;

BOOST_AUTO_TEST_SUITE(random_weights)

BOOST_AUTO_TEST_CASE(every_piece_is_filled_and_no_two_matrices_are_alike) {
  auto const weights =
      tenon::random_weights<weights_recipe<small_qwen2, tenon::fp32>>({.max_positions = 99}, 5);
  BOOST_TEST(weights.parameters.max_positions == 99);
  auto const& layer = weights.layers[0];
  for (auto const& matrix :
       {weights.embedding, layer.qkv, layer.output, layer.gate_up, layer.down, weights.head}) {
    double squares = 0;
    std::int64_t const count = std::int64_t{matrix.out_features} * matrix.in_features;
    for (std::int64_t i = 0; i < count; ++i) squares += static_cast<double>(matrix.data[i] * matrix.data[i]);
    double const scaled = squares / static_cast<double>(count) * matrix.in_features;
    BOOST_TEST(scaled > 0.6);
    BOOST_TEST(scaled < 1.5);
  }
  BOOST_TEST(std::memcmp(weights.head.data, weights.embedding.data, 64) != 0);
  BOOST_TEST(layer.attention_norm.data[3] == 1.0f);
  BOOST_TEST(weights.final_norm.data[11] == 1.0f);
  BOOST_TEST(layer.qkv_bias.data[0] != layer.qkv_bias.data[1]);
  BOOST_TEST(std::abs(layer.qkv_bias.data[0]) <= 1.0f);
}

BOOST_AUTO_TEST_CASE(the_seed_decides) {
  using recipe = weights_recipe<small_qwen3, tenon::bf16>;
  auto const same = [](auto const& a, auto const& b) {
    return std::memcmp(a.embedding.data, b.embedding.data, 40 * 16 * 2) == 0 &&
           std::memcmp(a.layers[1].down.data, b.layers[1].down.data, 16 * 24 * 2) == 0;
  };
  auto const first = tenon::random_weights<recipe>({}, 1, {.threads = 1});
  BOOST_TEST(same(first, tenon::random_weights<recipe>({}, 1, {.threads = 4})));
  BOOST_TEST(!same(first, tenon::random_weights<recipe>({}, 2)));
  BOOST_TEST(first.head.data == first.embedding.data);
}

BOOST_AUTO_TEST_CASE(a_device_is_looked_at_before_its_memory_is_taken) {
  using told = weights_recipe<small_qwen3, tenon::bf16, tenon_test::telling_backend>;
  using foreign = weights_recipe<small_qwen3, tenon::bf16, tenon_test::foreign_backend>;
  auto const bytes = tenon::random_weights<told>({}, 1).bytes();
  tenon_test::memory_account account;
  tenon_test::check_error(
      [&] {
        tenon::random_weights<told>({}, 1, {.context = {&account, bytes + 3}, .also_needed = 5});
      },
      "found " + std::to_string(bytes + 3) + ": 2 are missing");
  BOOST_CHECK_THROW(tenon::random_weights<foreign>({}, 1, {.context = {&account}}), tenon::device_error);
  BOOST_TEST(account.allocations == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
