// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/copy_pages.cuh"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/reference_ops.hpp"
#include "cuda/relative_error.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(copy_pages)

BOOST_AUTO_TEST_CASE(copies_whole_pages_in_order) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  cuda::context ctx;
  for (std::int32_t const page_tokens : {1, 16, 57}) {
    paged_view<bf16_t, 64> view{nullptr, 3, 2, page_tokens};
    constexpr std::int32_t pages = 9;
    testing::random_matrix<bf16_t> cache{random, pages, view.page_size()};
    std::vector<page_copy> copies;
    for (int i = 0; i < 30; ++i) {
      copies.push_back({static_cast<page_id>(random() % pages), static_cast<page_id>(random() % pages)});
    }
    testing::device_matrix const device_cache{ctx, cache};
    testing::device_array const device_copies{ctx, copies};
    batch_view batch;
    batch.shape.page_copies = static_cast<std::int32_t>(copies.size());
    batch.copies = device_copies.data();
    view.data = device_cache.array.data();
    cuda::copy_pages(ctx, batch, view);
    batch.copies = copies.data();
    view.data = cache.values.data();
    testing::reference::copy_pages(batch, view);
    BOOST_TEST((testing::relative_error(device_cache.array.values(), cache.values) == 0.0),
               "page of " << page_tokens << " tokens");
  }
}

BOOST_AUTO_TEST_SUITE_END()
