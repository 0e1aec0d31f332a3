// SPDX-License-Identifier: Apache-2.0
#include "tenon/attention/split_kv_plan.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

using namespace tenon;

namespace {

std::vector<split_kv_row> planned(std::vector<std::int32_t> const& contexts,
                                  std::vector<std::int32_t> const& page_begin) {
  auto const rows = static_cast<std::int32_t>(contexts.size());
  batch_view batch;
  batch.shape = {.rows = rows, .decode_rows = rows, .tokens = rows};
  batch.context = contexts.data();
  batch.page_begin = page_begin.data();
  std::vector<std::int32_t> words(tenon::split_kv_plan::words(rows), -1);
  tenon::split_kv_plan::write(batch, words);
  std::vector<split_kv_row> entries(words.size() / tenon::split_kv_plan::row_words);
  std::memcpy(static_cast<void*>(entries.data()), words.data(), words.size() * sizeof(std::int32_t));
  return entries;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(split_kv_plan)

BOOST_AUTO_TEST_CASE(a_row_has_the_units_that_its_context_takes) {
  std::vector<std::int32_t> const contexts{1, 64, 65, 1000}, page_begin{0, 1, 5, 10};
  auto const entries = planned(contexts, page_begin);
  BOOST_REQUIRE(entries.size() == contexts.size() + 1);
  BOOST_TEST(entries.front().first_unit == 0);
  for (std::size_t row = 0; row < contexts.size(); ++row) {
    BOOST_TEST(entries[row].context == contexts[row]);
    BOOST_TEST(entries[row].page_begin == page_begin[row]);
    auto const units = entries[row + 1].first_unit - entries[row].first_unit;
    BOOST_TEST(units * tenon::split_kv_plan::unit_tokens >= contexts[row]);
    BOOST_TEST((units - 1) * tenon::split_kv_plan::unit_tokens < contexts[row]);
  }
}

BOOST_AUTO_TEST_CASE(no_rows_are_no_units) {
  auto const entries = planned({}, {});
  BOOST_REQUIRE(entries.size() == 1u);
  BOOST_TEST(entries.front().first_unit == 0);
}

BOOST_AUTO_TEST_CASE(every_unit_is_dealt_once_and_in_order) {
  for (std::int32_t const workers : {1, 16, 132, 396}) {
    for (std::int32_t const units : {0, 1, 15, 16, 17, 396, 397, 5000, 16384}) {
      for (std::int32_t const least : {1, 2, 16}) {
        auto const deal = split_kv_deal::among(workers, units, least);
        std::int32_t next = 0;
        for (std::int32_t worker = 0; worker < workers; ++worker) {
          auto const begin = std::min(deal.first_of(worker), units);
          auto const end = std::max(std::min(deal.end_of(worker), units), begin);
          BOOST_REQUIRE(begin == next);
          next = end;
          if (begin < end) {
            BOOST_REQUIRE((end - begin >= least || end == units));
            BOOST_REQUIRE(deal.worker_of(begin) == worker);
            BOOST_REQUIRE(deal.worker_of(end - 1) == worker);
          }
        }
        BOOST_TEST(next == units);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
