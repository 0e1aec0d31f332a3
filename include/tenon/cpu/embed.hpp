// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cpu/context.hpp"
#include "tenon/cpu/rms_norm.hpp"
#include "tenon/work/batch.hpp"

namespace tenon::cpu {

/// Starts the residual stream: x[t, :] = table[id(t), :], widened to float, for every token of the batch.
///
/// batch   id(t) is slot_ids[id_slots[t]], the last id sampled for that slot, or ids[t] where id_slots[t] is
///         no_slot; 0 <= id(t) < vocabulary
/// table   [vocabulary, hidden]
/// x       [tokens or more, hidden]; rows beyond the batch's tokens are left alone
template <class P>
void embed(context& ctx, batch_view const& batch, dense_matrix<typename P::activation> const& table,
           matrix_view<float> x) {
  for_each_row(ctx, batch.shape.tokens, table.in_features, [&](auto kernels, std::int64_t t) {
    slot_id const slot = batch.id_slots[t];
    token_id const id = slot == no_slot ? batch.ids[t] : batch.slot_ids[slot];
    kernels.widen(table.row(id), x[t], table.in_features);
  });
}

}  // namespace tenon::cpu
