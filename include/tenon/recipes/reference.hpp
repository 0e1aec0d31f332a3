// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tenon/attention/reference_attention.hpp"
#include "tenon/cache/paged_cache.hpp"
#include "tenon/cpu/backend.hpp"
#include "tenon/cpu/copy_pages.hpp"
#include "tenon/cpu/embed.hpp"
#include "tenon/cpu/linear_residual.hpp"
#include "tenon/cpu/norm_gate_up.hpp"
#include "tenon/cpu/norm_head.hpp"
#include "tenon/cpu/norm_qkv.hpp"
#include "tenon/engine/recipe.hpp"
#include "tenon/launch/eager.hpp"
#include "tenon/model/op_chain.hpp"
#include "tenon/parallel/single_device.hpp"
#include "tenon/precision/fp32.hpp"
#include "tenon/recipes/compose.hpp"
#include "tenon/sampling/top_p.hpp"
#include "tenon/scheduling/chunked_prefill.hpp"

namespace tenon::recipes {

/// Every op on the CPU in single precision: the engine that others are compared with, and the base to vary
/// one axis of.
template <model_spec Model> struct reference {
  using backend = cpu::backend;
  using model = Model;
  using precision = fp32;
  using cache = paged_cache<16>;
  using attention = reference_attention;
  using sampler = top_p;
  using scheduler = chunked_prefill;
  using launch = eager<>;
  using parallel = single_device;
  using forward = op_chain;
  static constexpr tenon::numerics numerics = tenon::numerics::batch_invariant;
};

}  // namespace tenon::recipes

namespace tenon {

template <> struct default_recipe<cpu::backend> {
  template <model_spec Model> using of = recipes::reference<Model>;
};

}  // namespace tenon
