// SPDX-License-Identifier: Apache-2.0
#include "tenon/runtime/batch_layout.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <utility>
#include <vector>

using namespace tenon;

BOOST_AUTO_TEST_SUITE(batch_layout)

BOOST_AUTO_TEST_CASE(arrays_of_the_largest_batch_lie_in_the_block_without_overlap) {
  batch_limits const limits{.max_rows = 7, .max_tokens = 50, .max_context = 200, .page_tokens = 16};
  tenon::batch_layout const layout{limits, 33};
  std::vector<std::byte> block(layout.bytes());
  auto const view = layout.view(block.data());
  std::vector<std::pair<std::byte const*, std::byte const*>> ranges;
  auto const add = [&](auto const* data, std::size_t count) {
    auto const* const begin = reinterpret_cast<std::byte const*>(data);
    ranges.emplace_back(begin, begin + count * sizeof(*data));
  };
  add(view.ids, 50);
  add(view.id_slots, 50);
  add(view.positions, 50);
  add(view.token_rows, 50);
  add(view.row_begin, 8);
  add(view.context, 7);
  add(view.slots, 7);
  add(view.page_begin, 7);
  add(view.adapters, 7);
  add(view.rope_sets, 7);
  add(view.logit_tokens, 7);
  add(view.sampling, 7);
  add(view.copies, 7);
  add(view.plan, 33);
  add(view.table, layout.table_words());
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    BOOST_CHECK(ranges[i].first >= block.data() && ranges[i].second <= block.data() + block.size());
    if (i > 0) BOOST_CHECK(ranges[i].first >= ranges[i - 1].second);
  }
  // 13 pages, 200 ids of history, 1,024 biases of two words and 64 stop ids a row.
  BOOST_CHECK_EQUAL(layout.table_words(), 7u * (13 + 200 + 2048 + 64));
}

BOOST_AUTO_TEST_CASE(host_and_device_blocks_have_the_same_offsets) {
  tenon::batch_layout const layout{{.max_rows = 3, .max_tokens = 9, .max_context = 40, .page_tokens = 8}, 0};
  std::vector<std::byte> one(layout.bytes());
  std::vector<std::byte> other(layout.bytes());
  auto const a = layout.view(one.data());
  auto const b = layout.view(other.data());
  BOOST_CHECK_EQUAL(reinterpret_cast<std::byte const*>(a.table) - one.data(),
                    reinterpret_cast<std::byte const*>(b.table) - other.data());
  BOOST_CHECK_EQUAL(reinterpret_cast<std::byte const*>(a.sampling) - one.data(),
                    reinterpret_cast<std::byte const*>(b.sampling) - other.data());
}

BOOST_AUTO_TEST_SUITE_END()
