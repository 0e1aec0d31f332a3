// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/few_rows_norm_head.cuh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"

using namespace tenon;

namespace {

template <class P>
void check_head(std::mt19937_64& random, std::int32_t tokens, std::int32_t hidden, std::int32_t vocabulary) {
  testing::device_context device{{.hidden = hidden, .max_tokens = tokens, .max_rows = tokens}};
  testing::random_batch batch{random, tokens, 10, 2 * tokens, 16};
  testing::random_matrix<float> const x{random, tokens, hidden, 0.2f, 2.0f};
  testing::random_matrix<float> const norm{random, 1, hidden, 1.0f, 0.3f};
  testing::random_matrix<typename P::weight> const head{random, vocabulary, hidden, 0.0f, 0.05f};
  testing::random_matrix<float> logits{random, static_cast<std::int64_t>(batch.logit_tokens.size()) + 1,
                                       vocabulary};
  testing::device_batch const device_batch{device.ctx, batch};
  testing::device_matrix const device_x{device.ctx, x};
  testing::device_matrix const device_norm{device.ctx, norm};
  testing::device_matrix const device_head{device.ctx, head};
  testing::device_matrix const device_logits{device.ctx, logits};
  if (device_batch.view().shape.logit_rows > cuda::few_rows_limit) return;
  BOOST_TEST(cuda::few_rows_norm_head<P>(device.ctx, device_batch.view(), device_x.view(),
                                         device_norm.vector(), device_head.weights(), 0.02f,
                                         device_logits.view()));
  testing::reference::norm_head<P>(batch.view(), x.view(), norm.vector(), head.weights(), 0.02f,
                                   logits.view());
  // A normalised value on the edge between two roundings may fall either way.
  BOOST_TEST(testing::relative_error(device_logits.array.values(), logits.values) <
                 testing::rounding_tolerance<P> / 4,
             P::name << ", tokens " << tokens << ", logit rows " << batch.logit_tokens.size() << ", hidden "
                     << hidden << ", vocabulary " << vocabulary);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(few_rows_norm_head)

BOOST_AUTO_TEST_CASE(gives_logits_of_the_wanted_tokens) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t tokens = 1; tokens <= 30; ++tokens) {
    check_head<bf16>(random, tokens, 256, 4224);
    check_head<fp16>(random, 5 * tokens, 896, 640);
  }
  for (std::int32_t const tokens : {1, 5, 11, 100}) {
    check_head<bf16>(random, tokens, 2048, 4224);
    check_head<bf16>(random, tokens, 3584, 2112);
    check_head<fp16>(random, tokens, 4096, 1056);
  }
  check_head<bf16>(random, 3, 256, 151936);
}

BOOST_AUTO_TEST_SUITE_END()
