// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "tenon/precision/precision_policy.hpp"

namespace tenon {

/// Single precision everywhere: the numbers that every other precision is compared with.
struct fp32 {
  using weight = float;
  using activation = float;
  using cache = float;
  using accumulator = float;
  using matrix = dense_matrix<float>;
  static constexpr std::string_view name = "fp32";
};

static_assert(is_precision_policy<fp32>);

}  // namespace tenon
