// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "tenon/backend/backend.hpp"
#include "tenon/cuda/context.hpp"

namespace tenon::cuda {

/// One NVIDIA GPU: weights stay as the checkpoint has them, sums are in float on tensor cores or in
/// registers.
struct backend {
  using context = cuda::context;
  using context_options = cuda::context_options;
  static constexpr std::string_view name = "cuda";
};

static_assert(is_backend<backend>);

}  // namespace tenon::cuda
