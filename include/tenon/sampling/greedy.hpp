// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "tenon/sampling/candidate.hpp"
#include "tenon/sampling/row_logits.hpp"
#include "tenon/sampling/row_split.hpp"
#include "tenon/sampling/sampler_policy.hpp"

namespace tenon {

/// Chooses the largest logit, of equal ones the lowest id, among those neither banned nor masked; a forced id
/// comes first. Needs no memory. Serves rows with temperature 0 and neither penalties, bias nor
/// log-probabilities.
///
/// A row without any logit that can be chosen (all NaN, banned or masked) gets the id `no_token`, and 0 in
/// its slot, so that a step planned ahead reads a valid id.
struct greedy {
  struct state {};

  static constexpr std::string_view name = "greedy";

  static bool serves(sampling_row const& row) noexcept {
    return row.temperature == 0.0f && !row.penalises() && row.logprobs < 0 && row.bias_begin == row.bias_end;
  }

  static state make_state(carver&, std::int32_t /*slots*/, std::int32_t /*vocabulary*/) { return {}; }

  template <host_context Context>
  static void run(Context& context, batch_view const& batch, matrix_view<float> logits, state const&,
                  sampled_view const& out) {
    std::int32_t const rows = batch.shape.sample_rows;
    for_each_row(context, rows, rows, [&](std::int32_t, std::int32_t i) {
      sampling_row const& row = batch.sampling[i];
      token_id const id = row.forced != no_token ? row.forced : largest(batch, row, logits);
      out.ids[i] = id;
      leave_in_slot(batch, row, id);
    });
  }

 private:
  /// Whether an id is allowed is asked only of those that would be the best so far: few, whatever the order.
  static token_id largest(batch_view const& batch, sampling_row const& row,
                          matrix_view<float const> logits) noexcept {
    std::int64_t const vocabulary = logits.extent(1);
    auto const allowed = allowed_ids::of(batch, row, vocabulary);
    float const* const values = logits[row.logit_row];
    candidate best{-std::numeric_limits<float>::infinity(), no_token};
    for (token_id id = 0; id < vocabulary; ++id) {
      float const logit = usable_logit(values[id]);
      if (logit > best.logit && allowed.contains(id)) best = {logit, id};
    }
    return best.id;
  }
};

}  // namespace tenon
