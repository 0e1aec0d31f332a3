// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "tenon/attention/attention_policy.hpp"
#include "tenon/attention/paged_prefill.cuh"
#include "tenon/attention/planned_prefill.cuh"
#include "tenon/attention/prefill_plan.hpp"
#include "tenon/attention/prefill_source.cuh"
#include "tenon/attention/wgmma_prefill_consumer.cuh"
#include "tenon/attention/wgmma_prefill_layout.cuh"
#include "tenon/attention/wgmma_prefill_producer.cuh"
#include "tenon/cuda/barrier.cuh"
#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/mma.cuh"
#include "tenon/cuda/tensor_map.cuh"

namespace tenon::cuda {

/// A block a multiprocessor, and work for as long as the plan has some.
template <class Element, std::int32_t HeadDim>
__global__ void __launch_bounds__(384, 1)
    wgmma_prefill_kernel(__grid_constant__ prefill_arguments<Element> const arguments,
                         __grid_constant__ prefill_boxes const boxes,
                         __grid_constant__ prefill_split const split) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  using layout_type = wgmma_prefill_layout<Element, HeadDim>;
  extern __shared__ __align__(1024) unsigned char shared[];
  let_next_start();
  layout_type const layout{shared_address(shared)};
  if (threadIdx.x == 0) layout.init_barriers();
  __syncthreads();
  wait_for_previous();
  if (threadIdx.x >= layout_type::consumers) {
    give_registers<72>();
    wgmma_prefill_producer<Element, HeadDim>{arguments, boxes, split.parts, layout}.run();
  } else {
    take_registers<216>();
    wgmma_prefill_consumer<Element, HeadDim>{arguments, split, layout}.run();
  }
#else
  mark_as_absent();
#endif
}

/// Larger pages make larger boxes: 16 query and 8 key/value heads attend to 8192 tokens with 651 TFLOP/s on
/// an H100 where pages are of 64 positions, and with 626 where they are of 16.
template <class Element, std::int32_t HeadDim>
prefill_boxes prefill_boxes_of(paged_view<Element, HeadDim> const& kv) {
  prefill_boxes boxes;
  boxes.rows = std::min(kv.page_tokens, 128);
  if (boxes.rows < 8 || kv.page_tokens % boxes.rows != 0 || 128 % boxes.rows != 0) boxes.rows = 0;
  // A view does not say how many pages there are; boxes stay within those that the batch names.
  constexpr std::int64_t all_rows = std::int64_t{1} << 31;
  if (boxes.rows > 0) {
    boxes.cache = make_tensor_map(matrix_view<Element>{kv.data, {all_rows, HeadDim}},
                                  static_cast<std::uint32_t>(boxes.rows));
  }
  return boxes;
}

/// Cuts contexts where `tiles` tiles, of at most `most_tiles`, and heads would leave multiprocessors idle.
inline prefill_split split_prefill(context& ctx, std::int32_t tiles, std::int32_t most_tiles,
                                   std::int32_t heads, std::int32_t head_dim) {
  prefill_split split;
  split.parts = std::clamp(ctx.properties().multiprocessors / (tiles * heads), 1, prefill_split::most_parts);
  if (split.parts == 1) return split;
  auto const items = static_cast<std::size_t>(most_tiles) * static_cast<std::size_t>(heads);
  auto const floats =
      2 * items * static_cast<std::size_t>(split.parts * prefill_split::part_floats(head_dim));
  split.partials = static_cast<float*>(ctx.partial_scratch(floats * sizeof(float)));
  split.arrived = ctx.counters(2 * items);
  return split;
}

}  // namespace tenon::cuda

namespace tenon {

/// `paged_prefill` with the matrix instructions of compute capability 9.0, and on other devices
/// `paged_prefill` itself. A few tokens with long contexts are served by all multiprocessors too, which share
/// a context then.
struct wgmma_prefill : planned_prefill<wgmma_prefill> {
  static constexpr std::string_view name = "wgmma_prefill";

  template <std::int32_t HeadDim, std::int32_t Group>
  static constexpr bool supports = paged_prefill::supports<HeadDim, Group>;

  /// `run` for rows [first_row, last_row) alone, the first of which begins with token `first_token` of the
  /// batch; `batch.plan` is what `plan_rows` wrote for them.
  template <std::int32_t Group, class Element, std::int32_t HeadDim>
  static void run_rows(cuda::context& ctx, batch_view const& batch, layer_index layer,
                       paged_view<Element, HeadDim> const& kv,
                       matrix_view<std::type_identity_t<Element> const> queries,
                       matrix_view<std::type_identity_t<Element>> out, std::int32_t first_row,
                       std::int32_t last_row, std::int32_t first_token) {
    constexpr auto kernel = cuda::wgmma_prefill_kernel<Element, HeadDim>;
    if (!cuda::is_compiled<kernel>(ctx)) {
      return paged_prefill::run_rows<Group>(ctx, batch, layer, kv, queries, out, first_row, last_row,
                                            first_token);
    }
    static_assert(supports<HeadDim, Group>, "wgmma_prefill needs a head_dim of 64 or 128");
    if (first_row == last_row) return;
    using layout_type = cuda::wgmma_prefill_layout<Element, HeadDim>;
    std::int32_t const tokens = batch.shape.tokens - first_token;
    std::int32_t const rows = last_row - first_row;
    std::int32_t const heads = kv.kv_heads * Group;
    std::int32_t const most_tiles = prefill_plan::most_tiles(tokens, rows);
    std::int32_t const tiles =
        std::max(rows, (tokens + prefill_plan::tile_tokens - 1) / prefill_plan::tile_tokens);
    auto const split = cuda::split_prefill(ctx, tiles, most_tiles, heads, HeadDim);
    auto const blocks = std::min(most_tiles * heads * split.parts, ctx.properties().multiprocessors);
    cuda::launch<kernel>(ctx, dim3(static_cast<unsigned>(blocks)),
                         dim3(layout_type::consumers + layout_type::producers), layout_type::bytes,
                         cuda::ordering::dependent,
                         cuda::prefill_arguments<Element>::of(Group, batch, layer, kv, queries, out),
                         cuda::prefill_boxes_of(kv), split);
  }
};

}  // namespace tenon
