// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/embed.cuh"

#include <boost/test/unit_test.hpp>
#include <random>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"

using namespace tenon;

namespace {

template <class P> void check_embed(std::mt19937_64& random, std::int32_t tokens, std::int32_t width) {
  testing::device_context device{{.hidden = width, .max_tokens = tokens}};
  testing::random_batch batch{random, tokens, 301, 40 + tokens, 16};
  testing::random_matrix<typename P::activation> const table{random, 301, width};
  testing::random_matrix<float> x{random, tokens + 2, width};

  testing::device_batch const device_batch{device.ctx, batch};
  testing::device_matrix const device_table{device.ctx, table};
  testing::device_matrix const device_x{device.ctx, x};
  cuda::embed<P>(device.ctx, device_batch.view(), device_table.weights(), device_x.view());
  testing::reference::embed<P>(batch.view(), table.weights(), x.view());
  BOOST_TEST((device_x.array.values() == x.values), P::name << ", tokens " << tokens << ", width " << width);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(embed)

BOOST_AUTO_TEST_CASE(gives_the_bits_of_the_cpu) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t const tokens : {1, 2, 77}) {
    for (std::int32_t const width : {8, 80, 2048, 3584, 8200}) {
      check_embed<bf16>(random, tokens, width);
      check_embed<fp16>(random, tokens, width);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
