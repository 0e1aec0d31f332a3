// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "tenon/precision/precision_policy.hpp"

namespace tenon {

/// IEEE half weights, activations and cache; sums, residual stream, softmax and logits in float.
struct fp16 {
  using weight = f16_t;
  using activation = f16_t;
  using cache = f16_t;
  using accumulator = float;
  using matrix = dense_matrix<f16_t>;
  static constexpr std::string_view name = "fp16";
};

static_assert(is_precision_policy<fp16>);

}  // namespace tenon
