// SPDX-License-Identifier: Apache-2.0
#include "tenon/work/request.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(request)

BOOST_AUTO_TEST_CASE(the_defaults_sample_the_plain_distribution) {
  tenon::sampling_parameters const how;
  BOOST_TEST((how.temperature == 1.0f && how.top_k == 0 && how.top_p == 1.0f && how.min_p == 0.0f));
  BOOST_TEST(
      (how.repetition_penalty == 1.0f && how.presence_penalty == 0.0f && how.frequency_penalty == 0.0f));
  BOOST_TEST((how.logit_bias.empty() && !how.seed.has_value() && how.logprobs == -1));
}

BOOST_AUTO_TEST_CASE(one_choice_of_the_base_model_is_the_default) {
  tenon::request const wish;
  BOOST_TEST((wish.choices == 1 && wish.priority == 0 && wish.adapter == 0 && wish.rope_set == 0));
  BOOST_TEST((wish.scope == tenon::cache_scope{}));
  BOOST_TEST((wish.max_new_tokens >= 1 && wish.min_new_tokens == 0 && !wish.ignore_stop_ids));
}

BOOST_AUTO_TEST_SUITE_END()
