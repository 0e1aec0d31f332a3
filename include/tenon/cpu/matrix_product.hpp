// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/cpu/context.hpp"
#include "tenon/cpu/kernels.hpp"

namespace tenon::cpu {

/// A finished rectangle of y = x * W^T: y[row + i, feature + j] = values[i * stride + j] for i < rows and
/// j < features. `lane_sums` is room for work: `lane_sum_floats`.
struct product_tile {
  std::int64_t row = 0;
  std::int64_t rows = 0;
  std::int64_t feature = 0;
  std::int64_t features = 0;
  float* values = nullptr;
  std::int64_t stride = 0;
  float* lane_sums = nullptr;
};

/// Features of one part of the work at most.
inline constexpr std::int64_t tile_features = 64;

/// Features that the many-row path takes at a time: their lane sums stay in the first-level cache.
inline constexpr std::int64_t group_features = 32;

/// Activation rows that every instruction set takes in one call, so that a part's weights pass once.
inline constexpr std::int64_t one_call_rows = 2;

/// Parts a worker takes of a product of so few rows. Fewer would wait longer for the last one; more would
/// fetch more weights twice, since a kernel fetches ahead beyond the end of its part.
inline constexpr std::int64_t parts_a_worker = 8;

/// Activation rows of one part at most: their block stays in the second-level cache.
inline constexpr std::int64_t tile_rows = 96;

/// Activation rows that one kernel call takes at most, for any instruction set.
inline constexpr std::int64_t kernel_rows = 6;

/// Elements of k that the many-row path takes at a time: six activation rows of them stay in the first-level
/// cache. A multiple of `lanes`, so that no order of summation changes.
inline constexpr std::int64_t block_k = 512;

inline constexpr std::int64_t tile_floats = tile_features * tile_rows;
inline constexpr std::int64_t lane_sum_floats = kernel_rows * group_features * lanes;

static_assert(block_k % lanes == 0);
static_assert((2 * tile_floats + lane_sum_floats) * sizeof(float) <= context::worker_scratch_bytes);

/// Few activation rows: every weight is read once, and the sums stay in registers.
template <class Kernels, int Columns, class Element>
void few_rows(dense_matrix<Element> const& matrix, float const* x, product_tile const& tile, float* values) {
  constexpr int rows = Kernels::weight_rows;
  std::int64_t const k = matrix.in_features;
  std::int64_t j = 0;
  for (; j + rows <= tile.features; j += rows) {
    Kernels::template dots<rows, Columns>(matrix.row(tile.feature + j), k, x, k, k, values + j, tile.stride);
  }
  for (; j < tile.features; ++j) {
    Kernels::template dots<1, Columns>(matrix.row(tile.feature + j), k, x, k, k, values + j, tile.stride);
  }
}

/// Some of many activation rows: walks k in blocks, so that the activations stay in the nearest cache while
/// the tile's weights pass. The sums wait in `lane_sums`, [feature blocks][Columns][rows][lanes].
template <class Kernels, int Columns, class Element>
void some_rows(dense_matrix<Element> const& matrix, float const* x, product_tile const& tile, float* values) {
  constexpr int rows = Kernels::weight_rows;
  constexpr std::int64_t block_floats = Columns * rows * lanes;
  std::int64_t const k = matrix.in_features;
  std::int64_t const whole = tile.features / rows * rows;
  for (std::int64_t first = 0; first < whole; first += group_features / rows * rows) {
    std::int64_t const blocks = std::min(group_features, whole - first) / rows;
    std::fill_n(tile.lane_sums, blocks * block_floats, 0.0f);
    for (std::int64_t i = 0; i < k; i += block_k) {
      for (std::int64_t block = 0; block < blocks; ++block) {
        Kernels::template add_dots<rows, Columns>(matrix.row(tile.feature + first + block * rows) + i, k,
                                                  x + i, k, std::min(block_k, k - i),
                                                  tile.lane_sums + block * block_floats);
      }
    }
    for (std::int64_t block = 0; block < blocks; ++block) {
      for (int c = 0; c < Columns; ++c) {
        Kernels::totals(tile.lane_sums + block * block_floats + c * rows * lanes, rows,
                        values + c * tile.stride + first + block * rows);
      }
    }
  }
  for (std::int64_t j = whole; j < tile.features; ++j) {
    Kernels::template dots<1, Columns>(matrix.row(tile.feature + j), k, x, k, k, values + j, tile.stride);
  }
}

/// `rows` <= Columns activation rows of a tile, with the kernels for exactly that many.
template <class Kernels, int Columns, class Element>
void product_rows(dense_matrix<Element> const& matrix, float const* x, std::int64_t rows,
                  product_tile const& tile, float* values) {
  if constexpr (Columns > 1) {
    if (rows < Columns) return product_rows<Kernels, Columns - 1>(matrix, x, rows, tile, values);
  }
  if (tile.rows == rows) {
    few_rows<Kernels, Columns>(matrix, x, tile, values);
  } else {
    some_rows<Kernels, Columns>(matrix, x, tile, values);
  }
}

/// values[i, j] = the product of x[i, :] and row `feature + j` of the matrix, for a whole tile; x is
/// [rows, in_features]. An overload of this for another matrix type is all that the ops need to take it.
///
/// However rows are blocked, each element is one chain of sums over k, in the order of `lanes`.
template <class Kernels, class Element>
void tile_product(Kernels, dense_matrix<Element> const& matrix, float const* x, product_tile const& tile) {
  static_assert(Kernels::activation_rows <= kernel_rows);
  std::int64_t const calls = ceil_div<std::int64_t>(tile.rows, Kernels::activation_rows);
  for (std::int64_t call = 0; call < calls; ++call) {
    std::int64_t const begin = call * tile.rows / calls;
    std::int64_t const end = (call + 1) * tile.rows / calls;
    product_rows<Kernels, Kernels::activation_rows>(matrix, x + begin * matrix.in_features, end - begin, tile,
                                                    tile.values + begin * tile.stride);
  }
}

/// How a product of [rows, k] with [features, k] is cut into parts.
struct product_grid {
  std::int64_t rows;
  std::int64_t features;
  std::int64_t block_rows;
  std::int64_t block_features;

  product_grid(std::int64_t all_rows, std::int64_t all_features, std::int64_t k, int workers)
      : rows{all_rows}, features{all_features} {
    constexpr std::int64_t cached_floats = 1 << 18;
    block_rows =
        std::clamp<std::int64_t>(cached_floats / k / kernel_rows * kernel_rows, kernel_rows, tile_rows);
    block_features = std::min(features, tile_features);
    if (rows <= one_call_rows) {
      std::int64_t const share = round_up<std::int64_t>(features / (workers * parts_a_worker) + 1, 16);
      block_features = std::min({features, share, tile_floats / one_call_rows});
    }
  }

  std::int64_t row_blocks() const noexcept { return ceil_div(rows, block_rows); }
  std::int64_t feature_blocks() const noexcept { return ceil_div(features, block_features); }
  std::int32_t parts() const noexcept { return static_cast<std::int32_t>(row_blocks() * feature_blocks()); }

  /// Neighbouring parts share their activation rows, which so stay in the second-level cache. scratch: room
  /// for two tiles, of which this is number `which`, and for lane sums.
  product_tile tile(std::int32_t part, std::byte* scratch, int which = 0) const noexcept {
    auto* const floats = reinterpret_cast<float*>(scratch);
    std::int64_t const row = part / feature_blocks() * block_rows;
    std::int64_t const feature = part % feature_blocks() * block_features;
    return {.row = row,
            .rows = std::min(block_rows, rows - row),
            .feature = feature,
            .features = std::min(block_features, features - feature),
            .values = floats + which * tile_floats,
            .stride = block_features,
            .lane_sums = floats + 2 * tile_floats};
  }
};

/// y = x * W^T, each finished tile handed to use(tile) on the thread that made it; x is [rows, in_features].
///
/// The order of summation over in_features is that of `lanes`: it depends neither on the number of rows nor
/// on a row's place.
template <class Matrix, class Use>
void matrix_product(context& ctx, float const* x, std::int64_t rows, Matrix const& matrix, Use const& use) {
  product_grid const grid{rows, matrix.out_features, matrix.in_features, ctx.team().size()};
  with_kernels(ctx.instructions(), [&](auto kernels) {
    ctx.team().run(grid.parts(), [&](std::int32_t part, int worker) {
      auto const tile = grid.tile(part, ctx.worker_scratch(worker));
      tile_product(kernels, matrix, x + tile.row * matrix.in_features, tile);
      use(tile);
    });
  });
}

/// The same for a matrix of two halves, [first half; second half]: use(first, second) gets both products of
/// the same rows and features, counted within a half.
template <class Matrix, class Use>
void paired_matrix_product(context& ctx, float const* x, std::int64_t rows, Matrix const& matrix,
                           Use const& use) {
  std::int64_t const half = matrix.out_features / 2;
  product_grid const grid{rows, half, matrix.in_features, ctx.team().size()};
  with_kernels(ctx.instructions(), [&](auto kernels) {
    ctx.team().run(grid.parts(), [&](std::int32_t part, int worker) {
      auto const first = grid.tile(part, ctx.worker_scratch(worker));
      auto second = grid.tile(part, ctx.worker_scratch(worker), 1);
      tile_product(kernels, matrix, x + first.row * matrix.in_features, first);
      second.feature += half;
      tile_product(kernels, matrix, x + first.row * matrix.in_features, second);
      second.feature -= half;
      use(kernels, first, second);
    });
  });
}

}  // namespace tenon::cpu
