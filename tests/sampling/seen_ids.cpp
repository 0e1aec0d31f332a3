// SPDX-License-Identifier: Apache-2.0
#include "tenon/sampling/seen_ids.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace tenon;

namespace {

/// Two slots of a vocabulary of five.
struct two_slots {
  std::vector<std::byte> memory = std::vector<std::byte>(4096);
  carver place{memory.data(), memory.size()};
  seen_ids seen = seen_ids::make(place, 2, 5);

  std::vector<float> penalised(sampling_row const& row, std::vector<float> logits) const {
    seen.penalise(row, logits);
    return logits;
  }
};

void equal(std::vector<float> const& found, std::vector<float> const& expected) {
  BOOST_TEST(found == expected, boost::test_tools::per_element());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(seen_ids, two_slots)

BOOST_AUTO_TEST_CASE(repetition_covers_prompt_and_generated_ids) {
  std::vector<token_id> const prompt{0, 1}, generated{3};
  seen.count_prompt(1, prompt);
  seen.count_generated(1, generated);
  sampling_row row{.slot = 1, .repetition_penalty = 2.0f};
  equal(penalised(row, {4.0f, -4.0f, 4.0f, 6.0f, -6.0f}), {2.0f, -8.0f, 4.0f, 3.0f, -6.0f});
  row.slot = 0;
  equal(penalised(row, {4.0f, -4.0f, 4.0f, 6.0f, -6.0f}), {4.0f, -4.0f, 4.0f, 6.0f, -6.0f});
}

BOOST_AUTO_TEST_CASE(presence_and_frequency_cover_generated_ids_alone) {
  std::vector<token_id> const prompt{0, 2}, generated{2, 3, 3, 3};
  seen.count_prompt(0, prompt);
  seen.count_generated(0, generated);
  sampling_row const row{.slot = 0, .presence_penalty = 0.5f, .frequency_penalty = 0.25f};
  equal(penalised(row, {1.0f, 1.0f, 1.0f, 1.0f, 1.0f}), {1.0f, 1.0f, 0.25f, -0.25f, 1.0f});
}

BOOST_AUTO_TEST_CASE(a_forgotten_slot_penalises_nothing) {
  std::vector<token_id> const ids{1, 2};
  seen.count_generated(0, ids);
  seen.count_generated(1, ids);
  seen.forget(0);
  sampling_row row{.slot = 0, .frequency_penalty = 1.0f};
  equal(penalised(row, {1.0f, 1.0f, 1.0f, 1.0f, 1.0f}), {1.0f, 1.0f, 1.0f, 1.0f, 1.0f});
  row.slot = 1;
  equal(penalised(row, {1.0f, 1.0f, 1.0f, 1.0f, 1.0f}), {1.0f, 0.0f, 0.0f, 1.0f, 1.0f});
}

BOOST_AUTO_TEST_CASE(ids_outside_the_vocabulary_are_passed_over) {
  std::vector<token_id> const ids{-1, 5, 1000, 4};
  seen.count_prompt(0, ids);
  seen.count_generated(0, ids);
  sampling_row const row{.slot = 0, .frequency_penalty = 1.0f};
  equal(penalised(row, {0.0f, 0.0f, 0.0f, 0.0f, 0.0f}), {0.0f, 0.0f, 0.0f, 0.0f, -1.0f});
  BOOST_TEST(seen.of(1)[0] == 0u, "the next slot is untouched");
}

BOOST_AUTO_TEST_SUITE_END()
