// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "tenon/core/ids.hpp"
#include "tenon/runtime/batch_layout.hpp"
#include "tenon/work/batch.hpp"
#include "tenon/work/sequence.hpp"
#include "tenon/work/step.hpp"

namespace tenon {

/// Turns a scheduler's step into the arrays that kernels read, in host memory laid out as on the device.
///
/// Padding rows, where a launch policy asks for them, read and write the scratch page and the scratch slot
/// only.
class batch_builder {
 public:
  /// scratch_page, scratch_slot: a page and a sampler slot that no sequence ever holds.
  batch_builder(batch_layout const& layout, page_id scratch_page, slot_id scratch_slot)
      : layout_{layout}, scratch_page_{scratch_page}, scratch_slot_{scratch_slot} {}

  /// The shape of a step before padding.
  static batch_shape shape_of(step const& planned) {
    auto const samples = static_cast<std::int32_t>(std::count_if(
        planned.rows.begin(), planned.rows.end(), [](step_row const& row) { return row.samples; }));
    return {.rows = static_cast<std::int32_t>(planned.rows.size()),
            .decode_rows = planned.decode_rows,
            .tokens = planned.tokens,
            .logit_rows = samples,
            .sample_rows = samples,
            .page_copies = static_cast<std::int32_t>(planned.page_copies.size())};
  }

  struct built {
    batch_view view;         ///< host pointers
    std::size_t bytes_used;  ///< of the block, from its start: what has to be uploaded
  };

  /// Fills `block`, of `layout.bytes()` bytes. `padded` is the launch policy's answer to `shape_of(planned)`.
  /// Rows whose slot is fresh are told to reset it, once.
  template <class Ledger>
  built build(step const& planned, Ledger const& ledger, batch_shape const& padded, std::byte* block) {
    view_ = layout_.view(block);
    view_.shape = padded;
    used_words_ = 0;
    token_ = 0;
    row_ = 0;
    sample_ = 0;
    bool const sample_every_row = padded.rows > static_cast<std::int32_t>(planned.rows.size()) ||
                                  padded.sample_rows > shape_of(planned).sample_rows;
    for (auto const& row : planned.rows) add_row(row, ledger.pages(row.slot), sample_every_row);
    while (row_ < padded.rows) add_padding_row();
    at(view_.row_begin, row_) = token_;
    std::copy(planned.page_copies.begin(), planned.page_copies.end(), const_cast<page_copy*>(view_.copies));
    auto const table_offset = reinterpret_cast<std::byte const*>(view_.table) - block;
    return {view_, static_cast<std::size_t>(table_offset) +
                       static_cast<std::size_t>(used_words_) * sizeof(std::int32_t)};
  }

 private:
  template <class T, class I> static T& at(T const* array, I index) {
    return const_cast<T*>(array)[index];  // the block is this builder's to write; views of it are read-only
  }

  std::int32_t push_word(std::int32_t word) {
    at(view_.table, used_words_) = word;
    return used_words_++;
  }

  void add_row(step_row const& row, std::span<page_id const> pages, bool sample_every_row) {
    sequence const& seq = *row.seq;
    at(view_.row_begin, row_) = token_;
    at(view_.context, row_) = row.begin + row.count;
    at(view_.slots, row_) = row.slot;
    at(view_.adapters, row_) = seq.wish->adapter;
    at(view_.rope_sets, row_) = seq.wish->rope_set;
    at(view_.page_begin, row_) = used_words_;
    auto const needed = ceil_div(row.begin + row.count, layout_.limits().page_tokens);
    for (auto page : pages.first(static_cast<std::size_t>(needed))) push_word(page);
    for (std::int32_t i = 0; i < row.count; ++i) {
      bool const on_device = row.input_on_device && i + 1 == row.count;
      add_token(row.begin + i, on_device ? 0 : seq.tokens[static_cast<std::size_t>(row.begin + i)],
                on_device ? row.slot : no_slot);
    }
    if (row.samples) {
      add_sampling(row);
    } else if (sample_every_row) {
      add_idle_sampling();
    }
    ++row_;
  }

  void add_token(std::int32_t position, token_id id, slot_id source) {
    at(view_.ids, token_) = id;
    at(view_.id_slots, token_) = source;
    at(view_.positions, token_) = position;
    at(view_.token_rows, token_) = row_;
    ++token_;
  }

  void add_padding_row() {
    at(view_.row_begin, row_) = token_;
    at(view_.context, row_) = 1;
    at(view_.slots, row_) = scratch_slot_;
    at(view_.adapters, row_) = 0;
    at(view_.rope_sets, row_) = 0;
    at(view_.page_begin, row_) = push_word(scratch_page_);
    add_token(0, 0, no_slot);
    add_idle_sampling();
    ++row_;
  }

  /// Greedy, into the scratch slot: its result is dropped.
  void add_idle_sampling() {
    at(view_.logit_tokens, sample_) = token_ - 1;
    at(view_.sampling, sample_) = {.slot = scratch_slot_, .logit_row = sample_, .temperature = 0.0f};
    ++sample_;
  }

  void add_sampling(step_row const& row) {
    sequence& seq = *row.seq;
    auto const& wish = *seq.wish;
    auto const& how = wish.sampling;
    std::int32_t const position = row.begin + row.count;
    auto const index = position - seq.prompt_tokens;
    sampling_row flat{.seed = seq.seed,
                      .choice = seq.choice,
                      .position = position,
                      .slot = row.slot,
                      .logit_row = sample_,
                      .temperature = how.temperature,
                      .top_p = how.top_p,
                      .min_p = how.min_p,
                      .repetition_penalty = how.repetition_penalty,
                      .presence_penalty = how.presence_penalty,
                      .frequency_penalty = how.frequency_penalty,
                      .top_k = how.top_k,
                      .logprobs = how.logprobs};
    if (static_cast<std::size_t>(index) < wish.forced.size())
      flat.forced = wish.forced[static_cast<std::size_t>(index)];
    if (seq.fresh_slot) {
      seq.fresh_slot = false;
      flat.resets_slot = 1;
      if (flat.penalises()) add_history(seq, flat);
    }
    add_bias_and_bans(wish, index, flat);
    at(view_.logit_tokens, sample_) = token_ - 1;
    at(view_.sampling, sample_) = flat;
    ++sample_;
  }

  void add_history(sequence const& seq, sampling_row& flat) {
    flat.history_begin = used_words_;
    flat.history_prompt = seq.prompt_tokens;
    for (auto id : seq.tokens) push_word(id);
    flat.history_end = used_words_;
  }

  void add_bias_and_bans(request const& wish, std::int32_t index, sampling_row& flat) {
    flat.bias_begin = used_words_;
    for (auto const& [id, bias] : wish.sampling.logit_bias) {
      push_word(id);
      push_word(std::bit_cast<std::int32_t>(bias));
    }
    flat.bias_end = used_words_;
    flat.banned_begin = used_words_;
    if (index < wish.min_new_tokens && !wish.ignore_stop_ids) {
      for (auto id : wish.stop_ids) push_word(id);
    }
    flat.banned_end = used_words_;
  }

  batch_layout layout_;
  page_id scratch_page_;
  slot_id scratch_slot_;
  batch_view view_;
  std::int32_t used_words_ = 0;
  std::int32_t token_ = 0;
  std::int32_t row_ = 0;
  std::int32_t sample_ = 0;
};

}  // namespace tenon
