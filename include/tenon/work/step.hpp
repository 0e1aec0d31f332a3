// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tenon/core/ids.hpp"
#include "tenon/work/sequence.hpp"

namespace tenon {

/// How many tokens of which sequence: there is no prefill mode and no decode mode.
struct step_row {
  sequence* seq = nullptr;
  slot_id slot = no_slot;  ///< the sequence's slot when the step was planned
  std::int32_t begin = 0;  ///< first position computed
  std::int32_t count = 0;  ///< positions computed, at least 1
  bool samples = false;    ///< the last position's logits choose an id
  bool input_on_device =
      false;  ///< the last position's id is still only in the device slot that the sampler wrote
};

/// A scheduler's decision: the work of one pass through the model. Rows of one token come first, so that
/// decode and prefill kernels each see a contiguous range.
struct step {
  std::uint64_t number = 0;
  std::vector<step_row> rows{};
  std::vector<page_copy> page_copies{};  ///< run before the forward pass, in order
  std::int32_t decode_rows = 0;          ///< leading rows of exactly one token
  std::int32_t tokens = 0;               ///< sum of `count`

  bool decode_only() const noexcept { return decode_rows == static_cast<std::int32_t>(rows.size()); }
};

/// What the device chose, on the host: one entry a sampling row of the step, in row order.
///
/// A row may yield several ids (speculation): entry i owns ids [i * ids_per_row, … + counts[i]).
/// Log-probabilities are filled only for rows that asked; `top` holds `top_per_row` alternatives a row, most
/// likely first.
struct sampled {
  std::int32_t ids_per_row = 1;
  std::int32_t top_per_row = 0;
  std::span<token_id const> ids{};
  std::span<std::int32_t const> counts{};
  std::span<float const> logprobs{};      // [rows * ids_per_row]
  std::span<token_id const> top_ids{};    // [rows * top_per_row]
  std::span<float const> top_logprobs{};  // [rows * top_per_row]
};

}  // namespace tenon
