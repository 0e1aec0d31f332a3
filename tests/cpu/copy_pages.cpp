// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/copy_pages.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <random>

#include "cpu/random_matrix.hpp"
#include "tenon/cache/paged_view.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(copy_pages)

BOOST_AUTO_TEST_CASE(copies_whole_pages_in_order) {
  std::mt19937_64 random{testing::seed()};
  paged_view<float, 64> view{nullptr, 3, 2, 4};
  auto const size = view.page_size();
  testing::random_matrix<float> cache{random, 6, size};
  auto const before = cache;
  view.data = cache.values.data();
  std::array<page_copy, 3> const copies{{{0, 3}, {3, 5}, {1, 0}}};
  batch_view batch;
  batch.shape.page_copies = 3;
  batch.copies = copies.data();
  cpu::context ctx{{.threads = 2}};
  cpu::copy_pages(ctx, batch, view);
  std::array<std::int32_t, 6> const now{1, 1, 2, 0, 4, 0};  // whose contents each page has
  for (std::int32_t page = 0; page < 6; ++page) {
    bool equal = true;
    for (std::int64_t i = 0; i < size; ++i) {
      equal = equal && cache.at(page, i) == before.at(now[static_cast<std::size_t>(page)], i);
    }
    BOOST_TEST(equal, "page " << page);
  }
}

BOOST_AUTO_TEST_SUITE_END()
