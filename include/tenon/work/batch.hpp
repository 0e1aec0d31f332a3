// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include "tenon/core/ids.hpp"

namespace tenon {

/// "No id": a sampling row whose id is not forced.
inline constexpr token_id no_token = -1;

/// How large a batch is. Kernels choose their grid and path by this alone.
struct batch_shape {
  std::int32_t rows = 0;         ///< sequences
  std::int32_t decode_rows = 0;  ///< leading rows of exactly one token
  std::int32_t tokens = 0;       ///< over all rows
  std::int32_t logit_rows = 0;   ///< tokens whose logits are computed
  std::int32_t sample_rows = 0;  ///< rows that choose an id
  std::int32_t page_copies = 0;

  constexpr bool decode_only() const noexcept { return decode_rows == rows; }
  friend constexpr bool operator==(batch_shape const&, batch_shape const&) = default;
};

/// So many rows of one token each, all of which choose an id.
constexpr batch_shape decode_shape(std::int32_t rows) noexcept {
  return {.rows = rows, .decode_rows = rows, .tokens = rows, .logit_rows = rows, .sample_rows = rows};
}

/// How one id is chosen: `sampling_parameters` made flat for the device. Ranges index `batch_view::table`.
struct sampling_row {
  std::uint64_t seed = 0;  ///< with `choice` and `position` the whole source of randomness
  std::int32_t choice = 0;
  std::int32_t position = 0;  ///< of the id to be chosen, counted from the start of the prompt
  slot_id slot =
      no_slot;  ///< whose sampler state is read and updated, and where the id is left for the next step
  std::int32_t logit_row = 0;
  float temperature = 1.0f;
  float top_p = 1.0f;
  float min_p = 0.0f;
  float repetition_penalty = 1.0f;
  float presence_penalty = 0.0f;
  float frequency_penalty = 0.0f;
  std::int32_t top_k = 0;
  std::int32_t logprobs = -1;    ///< -1: none; k: the chosen id's and those of the k best
  token_id forced = no_token;    ///< this id, whatever the logits say
  std::int32_t resets_slot = 0;  ///< 1: forget the slot's state, then count the history
  std::int32_t mask = -1;        ///< block of `batch_view::masks`, or -1: every id is allowed
  std::int32_t history_begin =
      0;  ///< ids known before this step, prompt first; only with resets_slot and a penalty
  std::int32_t history_prompt = 0;  ///< how many of them belong to the prompt
  std::int32_t history_end = 0;
  std::int32_t bias_begin = 0;  ///< pairs (id, bit pattern of a float)
  std::int32_t bias_end = 0;
  std::int32_t banned_begin = 0;  ///< ids that cannot be chosen now: stop ids before min_new_tokens
  std::int32_t banned_end = 0;

  /// Whether ids seen so far change the logits, so that the slot's counts must be kept.
  constexpr bool penalises() const noexcept {
    return repetition_penalty != 1.0f || presence_penalty != 0.0f || frequency_penalty != 0.0f;
  }
};

/// One step's work as kernels see it: pointers into one block with one layout on host and device, at
/// addresses that never change. Arrays are ordered by row, decode rows first; tokens of a row are
/// consecutive.
struct batch_view {
  batch_shape shape{};
  token_id const* ids = nullptr;      // [tokens] input ids
  slot_id const* id_slots = nullptr;  // [tokens] no_slot, or the slot whose last sampled id replaces `ids`
  std::int32_t const* positions = nullptr;     // [tokens]
  std::int32_t const* token_rows = nullptr;    // [tokens] the row that a token belongs to
  std::int32_t const* row_begin = nullptr;     // [rows + 1] first token of each row
  std::int32_t const* context = nullptr;       // [rows] positions in the cache once this step's are stored
  slot_id const* slots = nullptr;              // [rows]
  std::int32_t const* page_begin = nullptr;    // [rows] where the row's page numbers start in `table`
  std::int32_t const* adapters = nullptr;      // [rows]
  std::int32_t const* rope_sets = nullptr;     // [rows]
  std::int32_t const* logit_tokens = nullptr;  // [logit_rows] tokens whose logits are wanted
  sampling_row const* sampling = nullptr;      // [sample_rows]
  page_copy const* copies = nullptr;           // [page_copies]
  std::int32_t const* plan = nullptr;          // what the attention policy's plan() wrote
  std::uint32_t const* masks = nullptr;        // [blocks, ceil(vocabulary / 32)] bit set: the id is allowed
  std::int32_t const* table = nullptr;         // page numbers and the ranges of `sampling_row`
  token_id* slot_ids = nullptr;                // [slots] device memory: the last id sampled for each slot
};

static_assert(std::is_trivially_copyable_v<batch_view> && std::is_trivially_copyable_v<sampling_row>);

/// The largest batch that an engine ever builds; sizes of all its fixed arrays follow.
struct batch_limits {
  std::int32_t max_rows = 0;
  std::int32_t max_tokens = 0;
  std::int32_t max_context = 0;
  std::int32_t page_tokens = 1;
};

}  // namespace tenon
