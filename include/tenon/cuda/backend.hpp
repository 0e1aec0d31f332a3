// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "tenon/backend/backend.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/gemm_cache.hpp"

namespace tenon::cuda {

/// One NVIDIA GPU: weights stay as the checkpoint has them, sums are in float on tensor cores or in
/// registers.
struct backend {
  using context = cuda::context;
  using context_options = cuda::context_options;
  static constexpr std::string_view name = "cuda";

  /// See requirement::loads_at_first_use. Few rows take weight streams up to a power of two of them, more
  /// rows the algorithm that cuBLASLt has for their rounded number.
  static constexpr std::int32_t row_class(std::int32_t rows) noexcept {
    constexpr std::int32_t few = 16;
    if (rows <= few) return static_cast<std::int32_t>(std::bit_ceil(static_cast<std::uint32_t>(rows)));
    return static_cast<std::int32_t>(gemm_cache::rounded_rows(rows));
  }
};

static_assert(is_backend<backend> && requirement::loads_at_first_use<backend>);

}  // namespace tenon::cuda
