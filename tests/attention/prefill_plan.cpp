// SPDX-License-Identifier: Apache-2.0
#include "tenon/attention/prefill_plan.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using tenon::prefill_tile;

BOOST_AUTO_TEST_SUITE(prefill_plan)

namespace {

struct rows_of_tokens {
  std::vector<std::int32_t> row_begin{0}, positions, page_begin;

  void add(std::int32_t first, std::int32_t count) {
    for (std::int32_t i = 0; i < count; ++i) positions.push_back(first + i);
    page_begin.push_back(100 * static_cast<std::int32_t>(page_begin.size()));
    row_begin.push_back(static_cast<std::int32_t>(positions.size()));
  }

  tenon::batch_view view() const {
    tenon::batch_view batch;
    batch.shape.rows = static_cast<std::int32_t>(page_begin.size());
    batch.shape.tokens = row_begin.back();
    batch.positions = positions.data();
    batch.row_begin = row_begin.data();
    batch.page_begin = page_begin.data();
    return batch;
  }
};

std::vector<prefill_tile> tiles_of(rows_of_tokens const& rows, std::int32_t first_row,
                                   std::int32_t last_row) {
  auto const batch = rows.view();
  std::vector<std::int32_t> words(
      tenon::prefill_plan::words({.max_rows = batch.shape.rows, .max_tokens = batch.shape.tokens}), -1);
  tenon::prefill_plan::write(batch, words, first_row, last_row);
  std::vector<prefill_tile> tiles;
  for (std::size_t i = 0; i < static_cast<std::size_t>(words[0]); ++i) {
    auto const* const at =
        words.data() + tenon::prefill_plan::first_tile + tenon::prefill_plan::tile_words * i;
    tiles.push_back({at[0], at[1], at[2], at[3]});
  }
  return tiles;
}

}  // namespace

BOOST_AUTO_TEST_CASE(cuts_rows_into_tiles_longest_context_first) {
  rows_of_tokens rows;
  rows.add(900, 1);
  rows.add(0, 300);
  rows.add(500, 128);
  auto const tiles = tiles_of(rows, 0, 3);
  BOOST_REQUIRE(tiles.size() == 5u);
  std::vector<std::int32_t> tokens, first, positions, pages;
  for (auto const& tile : tiles) {
    tokens.push_back(tile.tokens), first.push_back(tile.token);
    positions.push_back(tile.position), pages.push_back(tile.page_begin);
  }
  BOOST_TEST(tokens == (std::vector<std::int32_t>{1, 128, 44, 128, 128}), boost::test_tools::per_element());
  BOOST_TEST(first == (std::vector<std::int32_t>{0, 301, 257, 129, 1}), boost::test_tools::per_element());
  BOOST_TEST(positions == (std::vector<std::int32_t>{900, 500, 256, 128, 0}),
             boost::test_tools::per_element());
  BOOST_TEST(pages == (std::vector<std::int32_t>{0, 200, 100, 100, 100}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(plans_a_range_of_rows) {
  rows_of_tokens rows;
  rows.add(900, 1);
  rows.add(7, 2);
  auto const tiles = tiles_of(rows, 1, 2);
  BOOST_REQUIRE(tiles.size() == 1u);
  BOOST_TEST(tiles[0].token == 1);
  BOOST_TEST(tiles[0].context() == 9);
  BOOST_TEST(tiles_of(rows, 2, 2).empty());
}

// Rows of one token more than full tiles have the most tiles.
BOOST_AUTO_TEST_CASE(never_has_more_tiles_than_a_shape_allows) {
  for (std::int32_t const count : {1, 127, 128, 129, 256, 257}) {
    rows_of_tokens rows;
    for (int i = 0; i < 5; ++i) rows.add(i, count);
    auto const tiles = tiles_of(rows, 0, 5);
    BOOST_TEST(static_cast<std::int32_t>(tiles.size()) <= tenon::prefill_plan::most_tiles(5 * count, 5));
  }
}

BOOST_AUTO_TEST_SUITE_END()
