// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tenon/attention/phased_attention.cuh"
#include "tenon/attention/split_kv_decode.cuh"
#include "tenon/attention/wgmma_prefill.cuh"
#include "tenon/cache/paged_cache.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/cuda/copy_pages.cuh"
#include "tenon/cuda/embed.cuh"
#include "tenon/cuda/kernel_image.cuh"
#include "tenon/cuda/linear_residual.cuh"
#include "tenon/cuda/norm_gate_up.cuh"
#include "tenon/cuda/norm_head.cuh"
#include "tenon/cuda/norm_qkv.cuh"
#include "tenon/engine/recipe.hpp"
#include "tenon/launch/graph_replay.hpp"
#include "tenon/model/op_chain.hpp"
#include "tenon/parallel/single_device.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/recipes/compose.hpp"
#include "tenon/sampling/block_top_p.cuh"
#include "tenon/scheduling/chunked_prefill.hpp"

namespace tenon::recipes {

/// 1, 2, 4, 8, then every 8 rows to 64, then every 32 to 256.
using default_buckets = graph_replay<1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64, 96, 128, 160, 192, 224, 256>;

/// What serves many users from one GPU: bf16, pages with prefix caching, continuous batching with chunked
/// prompts, and decode steps replayed as CUDA graphs.
template <model_spec Model> struct serving {
  using backend = cuda::backend;
  using model = Model;
  using precision = bf16;
  using cache = paged_cache<64>;
  using attention = phased_attention<wgmma_prefill, split_kv_decode>;
  using sampler = block_top_p;
  using scheduler = chunked_prefill;
  using launch = default_buckets;
  using parallel = single_device;
  using forward = op_chain;
  static constexpr tenon::numerics numerics = tenon::numerics::fastest;
};

}  // namespace tenon::recipes

namespace tenon {

template <> struct default_recipe<cuda::backend> {
  template <model_spec Model> using of = recipes::serving<Model>;
};

}  // namespace tenon
