// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "tenon/work/batch.hpp"

namespace tenon {

/// Consecutive tokens of one row, whose queries one block of a prefill kernel holds for one query head.
struct prefill_tile {
  std::int32_t token = 0;       ///< the first, counted over the batch
  std::int32_t tokens = 0;      ///< 1 to prefill_plan::tile_tokens
  std::int32_t position = 0;    ///< of the first token: it sees this many positions, and itself
  std::int32_t page_begin = 0;  ///< where the row's page numbers start in the batch's table

  /// Positions that the last token sees.
  constexpr std::int32_t context() const noexcept { return position + tokens; }
};

/// The work list of the prefill kernels, as they find it behind `batch_view::plan`: the number of tiles,
/// three unused words, and the tiles of four words each, longest contexts first, so that blocks which start
/// last end soon.
struct prefill_plan {
  static constexpr std::int32_t tile_tokens = 128;
  static constexpr std::size_t first_tile = 4;
  static constexpr std::size_t tile_words = sizeof(prefill_tile) / sizeof(std::int32_t);

  /// No batch of this many tokens in this many rows has more tiles: a grid for every batch of a shape.
  static constexpr std::int32_t most_tiles(std::int32_t tokens, std::int32_t rows) noexcept {
    return tokens / tile_tokens + rows;
  }

  static constexpr std::size_t words(batch_limits const& limits) noexcept {
    return first_tile + tile_words * static_cast<std::size_t>(most_tiles(limits.max_tokens, limits.max_rows));
  }

  /// Plans rows [first_row, last_row) of a batch in host memory into `words`, which holds `words(limits)`.
  static void write(batch_view const& batch, std::span<std::int32_t> words, std::int32_t first_row,
                    std::int32_t last_row) {
    auto* const tiles = reinterpret_cast<prefill_tile*>(words.data() + first_tile);
    std::int32_t count = 0;
    for (std::int32_t row = first_row; row < last_row; ++row) {
      for (std::int32_t token = batch.row_begin[row]; token < batch.row_begin[row + 1];
           token += tile_tokens) {
        tiles[count++] = {.token = token,
                          .tokens = std::min(tile_tokens, batch.row_begin[row + 1] - token),
                          .position = batch.positions[token],
                          .page_begin = batch.page_begin[row]};
      }
    }
    std::sort(tiles, tiles + count, [](prefill_tile const& a, prefill_tile const& b) {
      return a.context() != b.context() ? a.context() > b.context() : a.token < b.token;
    });
    words[0] = count;
  }
};

static_assert(std::is_trivially_copyable_v<prefill_tile> && alignof(prefill_tile) == alignof(std::int32_t));

}  // namespace tenon
