// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/cpu/context.hpp"
#include "tenon/cpu/kernels.hpp"

namespace tenon::cpu {

/// A finished rectangle of y = x * W^T: y[row + i, feature + j] = values[i * stride + j] for i < rows and
/// j < features.
struct product_tile {
  std::int64_t row = 0;
  std::int64_t rows = 0;
  std::int64_t feature = 0;
  std::int64_t features = 0;
  float* values = nullptr;
  std::int64_t stride = 0;
};

/// Features of one part of the work: few enough for many parts, enough to be worth taking one.
inline constexpr std::int64_t tile_features = 64;

/// Activation rows of one part at most: their block stays in the second-level cache.
inline constexpr std::int64_t tile_rows = 96;

static_assert(2 * tile_features * tile_rows * sizeof(float) <= context::worker_scratch_bytes);

/// out[c, r] = the product of activation row c and weight row r, in blocks of Rows weights and at most
/// Columns activations. Blocks only change the speed: each element is one chain of sums over k.
template <class Kernels, int Rows, int Columns, class Element>
void block_product(Element const* w, std::int64_t k, float const* x, std::int64_t rows, float* out,
                   std::int64_t stride) {
  for (; rows >= Columns; rows -= Columns) {
    Kernels::template dots<Rows, Columns>(w, k, x, k, k, out, stride);
    x += Columns * k;
    out += Columns * stride;
  }
  if constexpr (Columns > 1) {
    if (rows > 0) block_product<Kernels, Rows, Columns - 1>(w, k, x, rows, out, stride);
  }
}

/// values[i, j] = the product of x[i, :] and row `feature + j` of the matrix, for a whole tile; x is
/// [rows, in_features]. An overload of this for another matrix type is all that the ops need to take it.
template <class Kernels, class Element>
void tile_product(Kernels, dense_matrix<Element> const& matrix, float const* x, product_tile const& tile) {
  std::int64_t const k = matrix.in_features;
  std::int64_t j = 0;
  for (; j + Kernels::weight_rows <= tile.features; j += Kernels::weight_rows) {
    block_product<Kernels, Kernels::weight_rows, Kernels::activation_rows>(
        matrix.row(tile.feature + j), k, x, tile.rows, tile.values + j, tile.stride);
  }
  for (; j < tile.features; ++j) {
    block_product<Kernels, 1, Kernels::activation_rows>(matrix.row(tile.feature + j), k, x, tile.rows,
                                                        tile.values + j, tile.stride);
  }
}

/// How a product of [rows, k] with [features, k] is cut into parts.
struct product_grid {
  std::int64_t rows;
  std::int64_t features;
  std::int64_t block_rows;
  std::int64_t block_features;

  product_grid(std::int64_t all_rows, std::int64_t all_features, std::int64_t k)
      : rows{all_rows}, features{all_features} {
    constexpr std::int64_t cached_floats = 1 << 18;
    block_rows = std::clamp<std::int64_t>(cached_floats / k / 6 * 6, 6, tile_rows);
    block_features = std::min(features, tile_features);
  }

  std::int64_t row_blocks() const noexcept { return ceil_div(rows, block_rows); }
  std::int32_t parts() const noexcept {
    return static_cast<std::int32_t>(row_blocks() * ceil_div(features, block_features));
  }

  /// Neighbouring parts share their weights, so that threads find them in a shared cache.
  product_tile tile(std::int32_t part, float* values) const noexcept {
    std::int64_t const row = part % row_blocks() * block_rows;
    std::int64_t const feature = part / row_blocks() * block_features;
    return {row,     std::min(block_rows, rows - row),
            feature, std::min(block_features, features - feature),
            values,  block_features};
  }
};

/// y = x * W^T, each finished tile handed to use(tile) on the thread that made it; x is [rows, in_features].
///
/// The order of summation over in_features is that of `lanes`: it depends neither on the number of rows nor
/// on a row's place.
template <class Matrix, class Use>
void matrix_product(context& ctx, float const* x, std::int64_t rows, Matrix const& matrix, Use const& use) {
  product_grid const grid{rows, matrix.out_features, matrix.in_features};
  with_kernels(ctx.instructions(), [&](auto kernels) {
    ctx.team().run(grid.parts(), [&](std::int32_t part, int worker) {
      auto const tile = grid.tile(part, reinterpret_cast<float*>(ctx.worker_scratch(worker)));
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
  product_grid const grid{rows, half, matrix.in_features};
  with_kernels(ctx.instructions(), [&](auto kernels) {
    ctx.team().run(grid.parts(), [&](std::int32_t part, int worker) {
      auto* const scratch = reinterpret_cast<float*>(ctx.worker_scratch(worker));
      auto const first = grid.tile(part, scratch);
      auto second = grid.tile(part, scratch + tile_rows * tile_features);
      tile_product(kernels, matrix, x + first.row * matrix.in_features, first);
      second.feature += half;
      tile_product(kernels, matrix, x + first.row * matrix.in_features, second);
      second.feature -= half;
      use(kernels, first, second);
    });
  });
}

}  // namespace tenon::cpu
