// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "tenon/work/batch.hpp"

namespace tenon {

/// What a decode kernel knows of a row. Rows are followed by one entry more, whose `first_unit` is the end.
struct alignas(16) split_kv_row {
  std::int32_t first_unit = 0;  ///< units of one key/value head of all rows before this one
  std::int32_t context = 0;
  std::int32_t page_begin = 0;  ///< where the row's page numbers start in the batch's table
  std::int32_t unused = 0;
};

/// The work of decode attention, counted in units of `unit_tokens` positions of one row and one key/value
/// head: every row's context in whole units, [rows + 1] entries of four words each. The order of units is
/// (row, key/value head, position); a kernel gives each of its workers an equal range of them, whatever rows
/// it crosses (Sanovar et al. 2024, arXiv:2405.10480).
struct split_kv_plan {
  static constexpr std::int32_t unit_tokens = 64;
  static constexpr std::size_t row_words = sizeof(split_kv_row) / sizeof(std::int32_t);

  static constexpr std::size_t words(std::int32_t rows) noexcept {
    return row_words * (static_cast<std::size_t>(rows) + 1);
  }

  static constexpr std::int32_t units(std::int32_t context) noexcept {
    return (context + unit_tokens - 1) / unit_tokens;
  }

  /// Plans all rows of a batch in host memory into `out`, which holds `words(rows)`.
  static void write(batch_view const& batch, std::span<std::int32_t> out) {
    auto* const rows = reinterpret_cast<split_kv_row*>(out.data());
    std::int32_t before = 0;
    for (std::int32_t row = 0; row < batch.shape.rows; ++row) {
      rows[row] = {before, batch.context[row], batch.page_begin[row], 0};
      before += units(batch.context[row]);
    }
    rows[batch.shape.rows] = {before, 0, 0, 0};
  }
};

static_assert(std::is_trivially_copyable_v<split_kv_row>);

/// How units are dealt to workers: worker i has units [i * share, (i + 1) * share).
struct split_kv_deal {
  std::int32_t units = 0;
  std::int32_t share = 1;

  /// Equal shares of at least `least` units.
  static constexpr split_kv_deal among(std::int32_t workers, std::int32_t units,
                                       std::int32_t least) noexcept {
    std::int32_t const equal = (units + workers - 1) / workers;
    return {units, equal > least ? equal : least};
  }

  constexpr std::int32_t first_of(std::int32_t worker) const noexcept { return worker * share; }
  constexpr std::int32_t end_of(std::int32_t worker) const noexcept {
    return first_of(worker) + share < units ? first_of(worker) + share : units;
  }
  constexpr std::int32_t worker_of(std::int32_t unit) const noexcept { return unit / share; }
};

}  // namespace tenon
