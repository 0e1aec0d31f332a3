// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "tenon/backend/backend.hpp"
#include "tenon/cpu/context.hpp"

namespace tenon::cpu {

/// The reference backend: every op in plain C++ with vector instructions chosen at run time. Its ops are the
/// specification of every other backend's, and their order of summation does not depend on the batch.
struct backend {
  using context = cpu::context;
  using context_options = cpu::context_options;
  static constexpr std::string_view name = "cpu";
};

static_assert(is_backend<backend>);

}  // namespace tenon::cpu
