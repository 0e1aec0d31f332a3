// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "tenon/backend/buffer.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/work/batch.hpp"

namespace tenon {

/// The most entries that one request may put into a batch's table; the engine refuses more.
inline constexpr std::int32_t max_bias_entries = 1024;
inline constexpr std::int32_t max_stop_ids = 64;

/// Where each array of a batch lies in its block. Host and device use the same layout, so a step is one copy;
/// the table comes last, so the copy ends where its used part ends.
class batch_layout {
 public:
  batch_layout(batch_limits const& limits, std::size_t plan_words)
      : limits_{limits}, plan_words_{plan_words} {
    carver counting;
    lay_out(counting);
    bytes_ = counting.used();
  }

  batch_limits const& limits() const noexcept { return limits_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t plan_words() const noexcept { return plan_words_; }

  /// Page numbers of every row, the ids that its sampler state is built from, biases and banned ids.
  std::size_t table_words() const {
    auto const row = checked_size{ceil_div(limits_.max_context, limits_.page_tokens)} +
                     checked_size{limits_.max_context} + checked_size{2 * max_bias_entries + max_stop_ids};
    return (row * checked_size{limits_.max_rows}).value();
  }

  /// Pointers into `block`, which holds `bytes()` bytes. `shape`, `slot_ids` and `masks` are the caller's to
  /// set.
  batch_view view(std::byte* block) const {
    carver memory{block, bytes_};
    return lay_out(memory);
  }

 private:
  batch_view lay_out(carver& memory) const {
    auto const rows = checked_size{limits_.max_rows};
    auto const tokens = checked_size{limits_.max_tokens};
    batch_view view;
    view.ids = memory.take<token_id>(tokens);
    view.id_slots = memory.take<slot_id>(tokens);
    view.positions = memory.take<std::int32_t>(tokens);
    view.token_rows = memory.take<std::int32_t>(tokens);
    view.row_begin = memory.take<std::int32_t>(rows + checked_size{1});
    view.context = memory.take<std::int32_t>(rows);
    view.slots = memory.take<slot_id>(rows);
    view.page_begin = memory.take<std::int32_t>(rows);
    view.adapters = memory.take<std::int32_t>(rows);
    view.rope_sets = memory.take<std::int32_t>(rows);
    view.logit_tokens = memory.take<std::int32_t>(rows);
    view.sampling = memory.take<sampling_row>(rows);
    view.copies = memory.take<page_copy>(rows);
    view.plan = memory.take<std::int32_t>(checked_size{plan_words_});
    view.table = memory.take<std::int32_t>(checked_size{table_words()});
    return view;
  }

  batch_limits limits_;
  std::size_t plan_words_;
  std::size_t bytes_ = 0;
};

}  // namespace tenon
