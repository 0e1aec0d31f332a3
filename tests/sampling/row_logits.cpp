// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/row_logits.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <vector>

using namespace tenon;

namespace {
constexpr float never = -std::numeric_limits<float>::infinity();
}

BOOST_AUTO_TEST_SUITE(row_logits)

BOOST_AUTO_TEST_CASE(banned_and_masked_ids_drop_out) {
  std::array<std::uint32_t, 4> const masks{~0u, ~0u, 0b1011u, 1u};  // block 1: ids 0, 1, 3 and 32
  std::array<std::int32_t, 4> const table{9, 3, 100, -1};
  batch_view batch;
  batch.masks = masks.data();
  batch.table = table.data();
  sampling_row const row{.mask = 1, .banned_begin = 1, .banned_end = 4};
  std::vector<float> logits(34, 1.0f);
  auto const allowed = allowed_ids::of(batch, row, 34);
  allowed.apply(logits);
  for (token_id id = 0; id < 34; ++id) {
    bool const expected = id == 0 || id == 1 || id == 32;
    BOOST_TEST(allowed.contains(id) == expected);
    BOOST_TEST(logits[static_cast<std::size_t>(id)] == (expected ? 1.0f : never));
  }
}

BOOST_AUTO_TEST_CASE(bias_adds_to_its_ids) {
  std::array<std::int32_t, 6> const table{
      2, std::bit_cast<std::int32_t>(1.5f), 0, std::bit_cast<std::int32_t>(-100.0f), 77, 0};
  batch_view batch;
  batch.table = table.data();
  sampling_row const row{.bias_begin = 0, .bias_end = 6};
  std::vector<float> logits{1.0f, 2.0f, 3.0f, never};
  add_bias(batch, row, logits);
  BOOST_TEST(logits == (std::vector<float>{-99.0f, 2.0f, 4.5f, never}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(alternatives_are_log_probabilities) {
  std::vector<float> const logits{std::log(0.2f), std::log(0.5f), never, std::log(0.2f), std::log(0.1f)};
  std::vector<candidate> room(logits.size());
  std::array<token_id, 5> ids{};
  std::array<float, 5> logprobs{};
  double const normaliser = write_alternatives(logits, 5, room, ids.data(), logprobs.data());
  BOOST_TEST(std::abs(normaliser) < 1e-6);
  BOOST_TEST((ids == std::array<token_id, 5>{1, 0, 3, 4, no_token}),
             "most likely first, ties by the lower id");
  BOOST_TEST(std::abs(logprobs[0] - std::log(0.5f)) < 1e-6f);
  BOOST_TEST(std::abs(logprobs[3] - std::log(0.1f)) < 1e-6f);
  BOOST_TEST(logprobs[4] == never);
}

BOOST_AUTO_TEST_SUITE_END()
