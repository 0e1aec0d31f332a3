// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tenon {

/// A token of a model's vocabulary: 0 <= id < decoder_shape::vocabulary.
using token_id = std::int32_t;

/// A page of the key/value cache, counted from 0 within one store.
using page_id = std::int32_t;

/// Two pages of one store: keys and values of every layer are copied from `from` to `to`.
struct page_copy {
  page_id from;
  page_id to;

  friend constexpr bool operator==(page_copy const&, page_copy const&) = default;
};

/// A running sequence's place in per-sequence device arrays (cache rows, sampler state): 0 <= slot <
/// max_rows.
using slot_id = std::int32_t;

/// "No slot": a sequence that does not run, or a batch row that takes its input from the host.
inline constexpr slot_id no_slot = -1;

/// A submitted request; unique for the life of an engine, increasing in order of submission.
enum class request_id : std::uint64_t {};

/// In place of one choice's number: all choices of a request.
inline constexpr std::int32_t every_choice = -1;

/// A tenant's or adapter's share of the prefix cache: equal prompts meet only inside one scope.
enum class cache_scope : std::uint64_t {};

}  // namespace tenon
