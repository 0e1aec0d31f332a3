// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "tenon/precision/precision_policy.hpp"

namespace tenon {

/// bfloat16 weights, activations and cache; sums, residual stream, softmax and logits in float. The precision
/// that the checkpoints were published in.
struct bf16 {
  using weight = bf16_t;
  using activation = bf16_t;
  using cache = bf16_t;
  using accumulator = float;
  using matrix = dense_matrix<bf16_t>;
  static constexpr std::string_view name = "bf16";
};

static_assert(is_precision_policy<bf16>);

}  // namespace tenon
