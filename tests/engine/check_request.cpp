// SPDX-License-Identifier: Apache-2.0
#include "tenon/engine/check_request.hpp"

#include <boost/test/unit_test.hpp>

#include "small_engines.hpp"

namespace {

using namespace tenon;
using small::greedy_request;
using full = recipes::reference<small::qwen3_model>;
using greedy_only = compose<small::qwen3_model, greedy>;

prefix_ledger const& eight_pages() {
  static prefix_ledger const ledger{{.pages = 8, .page_tokens = 16, .slots = 2, .max_context = 200}};
  return ledger;
}

template <class Recipe> std::string refusal(request const& wish) {
  try {
    check_request<Recipe>(wish, 200, eight_pages());
  } catch (request_error const& refused) {
    return refused.parameter() + "/" + refused.code();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(check_request)

BOOST_AUTO_TEST_CASE(what_can_be_served_passes) {
  BOOST_CHECK_EQUAL(refusal<full>(greedy_request({1, 2}, 10)), "");
  BOOST_CHECK_EQUAL(refusal<full>(greedy_request(std::vector<token_id>(100, 1), 29)),
                    "");  // 128 positions: all of it
  BOOST_CHECK_EQUAL(refusal<greedy_only>(greedy_request({1, 2}, 10)), "");
}

BOOST_AUTO_TEST_CASE(each_refusal_names_its_field_and_kind) {
  BOOST_CHECK_EQUAL(refusal<full>(greedy_request(std::vector<token_id>(100, 1), 30)),
                    "max_new_tokens/cache_too_small");
  BOOST_CHECK_EQUAL(refusal<full>(greedy_request(std::vector<token_id>(201, 1), 1)),
                    "prompt/context_length_exceeded");
  auto wish = greedy_request({1}, 4);
  wish.forced = {-3};
  BOOST_CHECK_EQUAL(refusal<full>(wish), "forced/invalid_value");
  wish = greedy_request({1}, 4);
  wish.choices = max_choices + 1;
  BOOST_CHECK_EQUAL(refusal<full>(wish), "choices/invalid_value");
  wish = greedy_request({1}, 4);
  wish.adapter = 1;
  BOOST_CHECK_EQUAL(refusal<full>(wish), "adapter/invalid_value");
  wish = greedy_request({1}, 4);
  wish.sampling.logit_bias = {{131, 1.0f}};
  BOOST_CHECK_EQUAL(refusal<full>(wish), "logit_bias/invalid_value");
}

BOOST_AUTO_TEST_CASE(a_sampler_that_cannot_do_it_is_named) {
  auto wish = greedy_request({1}, 4);
  wish.sampling.temperature = 0.7f;
  BOOST_CHECK_EQUAL(refusal<greedy_only>(wish), "sampling/unsupported_value");
  BOOST_CHECK_EQUAL(refusal<full>(wish), "");
}

BOOST_AUTO_TEST_SUITE_END()
