// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "tenon/parallel/parallel_policy.hpp"

namespace tenon {

/// One device holds the whole model: nothing to combine.
struct single_device {
  static constexpr std::string_view name = "single_device";
  static constexpr std::int32_t world = 1;

  constexpr std::int32_t rank() const noexcept { return 0; }

  template <class Context> void all_reduce(Context&, matrix_view<float>) const noexcept {}

  template <class Context> void all_gather(Context&, matrix_view<float>) const noexcept {}
};

}  // namespace tenon
