// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "tenon/core/tensor_view.hpp"
#include "tenon/cpu/context.hpp"
#include "tenon/cpu/matrix_product.hpp"
#include "tenon/cpu/rms_norm.hpp"
#include "tenon/work/batch.hpp"

namespace tenon::cpu {

/// Logits of the tokens that want them: logits[i, :] = (RMSNorm(x[logit_tokens[i], :]) * norm) * head^T, for
/// every logit row of the batch.
///
/// x       [tokens or more, hidden]; must not alias `logits`
/// norm    [hidden]
/// head    logical shape [vocabulary, hidden]
/// logits  [logit rows or more, vocabulary], in float; rows beyond the batch's are left alone
/// Rounded to the activation type: the normalised row, twice as `rms_norm_row` says.
template <class P>
void norm_head(context& ctx, batch_view const& batch, matrix_view<float const> x,
               vector_view<float const> norm, typename P::matrix const& head, float epsilon,
               matrix_view<float> logits) {
  std::int64_t const rows = batch.shape.logit_rows;
  float const* const input = rms_norm_rows<typename P::activation>(
      ctx, x, rows, [&](std::int64_t row) { return batch.logit_tokens[row]; }, norm, epsilon);
  matrix_product(ctx, input, rows, head, [&](product_tile const& tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      std::copy_n(tile.values + i * tile.stride, tile.features, logits[tile.row + i] + tile.feature);
    }
  });
}

}  // namespace tenon::cpu
