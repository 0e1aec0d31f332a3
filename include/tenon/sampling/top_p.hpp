// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "tenon/backend/buffer.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/sampling/candidate.hpp"
#include "tenon/sampling/nucleus.hpp"
#include "tenon/sampling/philox.hpp"
#include "tenon/sampling/row_logits.hpp"
#include "tenon/sampling/row_split.hpp"
#include "tenon/sampling/sampler_policy.hpp"
#include "tenon/sampling/seen_ids.hpp"

namespace tenon {

/// The sampler that serves every parameter. For each row, in this order:
///
///   1. log-probabilities (chosen id and best alternatives) from the unmodified logits
///   2. repetition penalty over seen ids, frequency and presence penalty over generated ids
///   3. logit_bias   4. banned and masked ids drop out   5. temperature; 0 chooses the largest logit
///   6. top_k, then top_p of what is left, then min_p
///   7. a draw on (seed, choice, position): inverse of the cumulative distribution in order of ids
///
/// A forced id replaces the draw; it is counted and has its log-probability like any other. NaN logits cannot
/// be chosen. A row without any logit that can be chosen gets the id `no_token` (the engine fails the
/// request), and 0 in its slot, so that a step planned ahead reads a valid id.
struct top_p {
  /// Rows that are worked on at one time: bounds the scratch memory, [blocks, vocabulary] of each kind.
  static constexpr std::int32_t most_blocks = 16;

  struct state {
    seen_ids seen;
    float* logits = nullptr;          // [blocks, vocabulary]
    candidate* candidates = nullptr;  // [blocks, vocabulary]
    std::int32_t blocks = 0;
  };

  static constexpr std::string_view name = "top_p";

  static bool serves(sampling_row const& row) noexcept { return row.logprobs <= max_logprobs; }

  static state make_state(carver& memory, std::int32_t slots, std::int32_t vocabulary) {
    state made;
    made.blocks = std::clamp(slots, 1, most_blocks);
    made.seen = seen_ids::make(memory, slots, vocabulary);
    made.logits = memory.take<float>(checked_size{made.blocks} * vocabulary);
    made.candidates = memory.take<candidate>(checked_size{made.blocks} * vocabulary);
    return made;
  }

  template <host_context Context>
  static void run(Context& context, batch_view const& batch, matrix_view<float> logits, state const& state,
                  sampled_view const& out) {
    for_each_row(context, batch.shape.sample_rows, state.blocks, [&](std::int32_t block, std::int32_t i) {
      sample_row(batch, logits, state, block, i, out);
    });
  }

 private:
  static void sample_row(batch_view const& batch, matrix_view<float const> logits, state const& state,
                         std::int32_t block, std::int32_t i, sampled_view const& out) {
    sampling_row const& row = batch.sampling[i];
    auto const vocabulary = static_cast<std::size_t>(logits.extent(1));
    auto const offset = static_cast<std::size_t>(block) * vocabulary;
    std::span<float> const work{state.logits + offset, vocabulary};
    std::span<candidate> const room{state.candidates + offset, vocabulary};
    float const* const unmodified = logits[row.logit_row];
    std::transform(unmodified, unmodified + vocabulary, work.begin(), usable_logit);

    double normaliser = 0.0;
    if (row.logprobs >= 0) {
      normaliser = write_alternatives(work, row.logprobs, room, out.top_ids + i * max_logprobs,
                                      out.top_logprobs + i * max_logprobs);
    }
    recall_history(batch, row, state.seen);
    token_id id = row.forced;
    if (id == no_token) {
      modify(batch, row, state.seen, work);
      id = choose(row, work, room);
    }
    if (row.logprobs >= 0) out.logprobs[i] = logprob_of(id, {unmodified, vocabulary}, normaliser);
    out.ids[i] = id;
    leave_in_slot(batch, row, id);
    if (row.slot != no_slot && row.penalises()) state.seen.count_generated(row.slot, {&id, 1});
  }

  static void recall_history(batch_view const& batch, sampling_row const& row, seen_ids const& seen) {
    if (row.slot == no_slot || row.resets_slot == 0) return;
    seen.forget(row.slot);
    if (!row.penalises()) return;
    std::span<token_id const> const ids{batch.table + row.history_begin,
                                        static_cast<std::size_t>(row.history_end - row.history_begin)};
    auto const prompt = static_cast<std::size_t>(row.history_prompt);
    seen.count_prompt(row.slot, ids.first(prompt));
    seen.count_generated(row.slot, ids.subspan(prompt));
  }

  static void modify(batch_view const& batch, sampling_row const& row, seen_ids const& seen,
                     std::span<float> work) {
    if (row.penalises() && row.slot != no_slot) seen.penalise(row, work);
    add_bias(batch, row, work);
    allowed_ids::of(batch, row, static_cast<std::int64_t>(work.size())).apply(work);
  }

  static token_id choose(sampling_row const& row, std::span<float const> work, std::span<candidate> room) {
    candidate const best = best_candidate(work);
    if (best.logit == -std::numeric_limits<float>::infinity()) return no_token;
    if (row.temperature == 0.0f || row.top_k == 1) return best.id;
    softmax_weight const weight{best.logit, row.temperature};
    return draw(row, weight, last_kept(row, weight, work, room), work, room);
  }

  /// The last candidate, in order of likelihood, that top_k and top_p leave.
  static candidate last_kept(sampling_row const& row, softmax_weight const& weight,
                             std::span<float const> work, std::span<candidate> room) {
    bool const cuts_count = row.top_k > 0 && static_cast<std::size_t>(row.top_k) < work.size();
    bool const cuts_mass = row.top_p < 1.0f;
    if (!cuts_count) {
      if (cuts_mass) return nucleus_end(work, weight, static_cast<double>(row.top_p), room);
      return {std::numeric_limits<float>::lowest(), std::numeric_limits<token_id>::max()};
    }
    auto const likely = k_best(work, static_cast<std::size_t>(row.top_k), room);
    if (!cuts_mass) return *std::max_element(likely.begin(), likely.end(), precedes);
    double total = 0.0;
    for (auto const& c : likely) total += weight(c);
    return last_within_mass(likely, static_cast<double>(row.top_p) * total, weight);
  }

  /// Draws among the ids up to `last` whose weight min_p allows. Both passes run in order of ids.
  static token_id draw(sampling_row const& row, softmax_weight const& weight, candidate last,
                       std::span<float const> work, std::span<candidate> room) {
    std::size_t count = 0;
    double total = 0.0;
    for (std::size_t i = 0; i < work.size(); ++i) {
      candidate c{work[i], static_cast<token_id>(i)};
      if (precedes(last, c)) continue;
      c.logit = weight(c.logit);  // the logit has done its work
      if (c.logit <= 0.0f || c.logit < row.min_p) continue;
      total += static_cast<double>(c.logit);
      room[count++] = c;
    }
    double const target = uniform_draw(row.seed, row.choice, row.position) * total;
    double reached = 0.0;
    for (auto const& c : room.first(count)) {
      reached += static_cast<double>(c.logit);
      if (reached > target) return c.id;
    }
    return room[count - 1].id;
  }

  static float logprob_of(token_id id, std::span<float const> unmodified, double normaliser) noexcept {
    if (id < 0 || static_cast<std::size_t>(id) >= unmodified.size())
      return -std::numeric_limits<float>::infinity();
    return static_cast<float>(static_cast<double>(usable_logit(unmodified[static_cast<std::size_t>(id)])) -
                              normaliser);
  }
};

}  // namespace tenon
