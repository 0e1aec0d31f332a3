// SPDX-License-Identifier: Apache-2.0
#include "tenon/text/mode_sampling.hpp"

#include <boost/test/unit_test.hpp>

namespace {

tenon::sampling_parameters const of_the_file{
    .temperature = 0.6f, .top_k = 20, .top_p = 0.95f, .repetition_penalty = 1.1f};

tenon::chat_options thinking(std::optional<bool> wanted) {
  tenon::chat_options options;
  options.enable_thinking = wanted;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mode_sampling)

BOOST_AUTO_TEST_CASE(qwen3_without_thinking_has_values_of_its_own) {
  auto const chosen = tenon::sampling_for(tenon::qwen3_chat{}, thinking(false), of_the_file);
  BOOST_TEST(chosen.temperature == 0.7f);
  BOOST_TEST(chosen.top_p == 0.8f);
  BOOST_TEST(chosen.top_k == 20);
  BOOST_TEST(chosen.min_p == 0.0f);
  BOOST_TEST(chosen.repetition_penalty == 1.1f);
}

BOOST_AUTO_TEST_CASE(everything_else_is_as_the_file_says) {
  for (auto const wanted : {std::optional<bool>{}, std::optional{true}})
    BOOST_TEST((tenon::sampling_for(tenon::qwen3_chat{}, thinking(wanted), of_the_file) == of_the_file));
  BOOST_TEST((tenon::sampling_for(tenon::qwen2_5_chat{}, thinking(false), of_the_file) == of_the_file));
  tenon::sampling_parameters const greedy{.temperature = 0.0f};
  BOOST_TEST((tenon::sampling_for(tenon::qwen3_chat{}, thinking(false), greedy) == greedy));
}

BOOST_AUTO_TEST_SUITE_END()
