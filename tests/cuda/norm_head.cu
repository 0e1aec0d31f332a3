// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/norm_head.cuh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cuda/device.hpp"
#include "cuda/norm_head_case.cuh"

using namespace tenon;

namespace {

template <class P>
void check_head(std::mt19937_64& random, std::int32_t tokens, std::int32_t hidden, std::int32_t vocabulary) {
  testing::check_norm_head<P>(random, tokens, hidden, vocabulary, tokens,
                              [](auto&&... arguments) { cuda::norm_head<P>(arguments...); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(norm_head)

BOOST_AUTO_TEST_CASE(gives_logits_of_the_wanted_tokens) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t const tokens : {1, 2, 8, 20, 60, 300}) {
    check_head<bf16>(random, tokens, 256, 4224);
    check_head<fp16>(random, tokens, 896, 1600);
  }
  check_head<bf16>(random, 1, 2048, 20000);
  check_head<bf16>(random, 12, 3584, 20000);
}

BOOST_AUTO_TEST_CASE(no_logits_are_no_work) {
  if (!testing::has_device()) return;
  testing::device_context device{{.hidden = 64, .max_tokens = 1}};
  cuda::norm_head<bf16>(device.ctx, batch_view{}, {nullptr, {1, 64}}, {nullptr, {64}}, {nullptr, 80, 64},
                        1e-6f, {nullptr, {0, 80}});
  device.ctx.wait();
}

BOOST_AUTO_TEST_SUITE_END()
