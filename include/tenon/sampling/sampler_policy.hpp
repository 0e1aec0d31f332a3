// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "tenon/backend/backend.hpp"
#include "tenon/backend/buffer.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/work/batch.hpp"

namespace tenon {

/// The most alternatives that a request can ask for.
inline constexpr std::int32_t max_logprobs = 20;

/// Where a sampler leaves its choices: one block in device memory, downloaded as it is.
struct sampled_view {
  token_id* ids = nullptr;        // [sample_rows]
  float* logprobs = nullptr;      // [sample_rows] of the chosen id, under the unmodified logits
  token_id* top_ids = nullptr;    // [sample_rows, max_logprobs] most likely first
  float* top_logprobs = nullptr;  // [sample_rows, max_logprobs]
};

namespace requirement {

/// `S::state` is what the sampler keeps a slot (counts of seen ids): a trivially copyable view of device
/// memory, carved by `S::make_state` from zeroed memory.
template <class S>
concept keeps_state_per_slot = std::is_trivially_copyable_v<typename S::state> &&
                               requires(carver& memory, std::int32_t slots, std::int32_t vocabulary) {
                                 {
                                   S::make_state(memory, slots, vocabulary)
                                 } -> std::same_as<typename S::state>;
                                 { S::name } -> std::convertible_to<std::string_view>;
                               };

/// Chooses an id for every sampling row from logits [logit_rows, vocabulary], writes `sampled_view`, and
/// leaves the id in batch.slot_ids[slot]. What a row gets depends on that row alone. Neither allocates nor
/// synchronises.
template <class S, class B>
concept samples_rows =
    requires(typename B::context& context, batch_view const& batch, matrix_view<float> logits,
             typename S::state const& state, sampled_view const& out) {
      { S::run(context, batch, logits, state, out) };
    };

/// Whether a request's parameters are within what the sampler does; the engine refuses the others at
/// submission.
template <class S>
concept says_what_it_serves = requires(sampling_row const& row) {
  { S::serves(row) } -> std::same_as<bool>;
};

}  // namespace requirement

/// From logits to ids. Stateless type; per-slot state lives in device memory.
template <class S, class B>
concept sampler_policy = backend<B> && requirement::keeps_state_per_slot<S> &&
                         requirement::samples_rows<S, B> && requirement::says_what_it_serves<S>;

template <class S, class B>
  requires sampler_policy<S, B>
inline constexpr bool is_sampler_policy = true;

}  // namespace tenon
