// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "tenon/attention/attention_policy.hpp"
#include "tenon/attention/split_kv_block.cuh"
#include "tenon/attention/split_kv_plan.hpp"
#include "tenon/core/error.hpp"
#include "tenon/cuda/launch.cuh"

namespace tenon {

namespace cuda {

/// How decode attention is cut: one block of eight warps a multiprocessor. H100, one row at context 2048,
/// with 8 kv heads and a group of 2, or 4 and 7: 6.2 and 6.0 us; with two blocks of four warps 7.7 and 8.2.
struct split_kv_tuning {
  static constexpr std::int32_t warps = 8;
  static constexpr std::int32_t resident = 1;      ///< blocks of a multiprocessor whose registers fit
  static constexpr std::int32_t least = 1;         ///< units of a block, where there is any work
  static constexpr std::int32_t prefetched = 2;    ///< tiles that a warp asks for ahead
  static constexpr bool idle_blocks_wait = false;  ///< for the kernel ahead
};

/// For one or two rows of large groups: four warps a block, whose registers fit beside those of the
/// projection ahead. So its blocks have their keys and values when that one ends, and the projection behind
/// starts beside them. A block without work stays as long as the others: else the projections behind would
/// find more room on some multiprocessors than on others.
///
/// H100, ms a step with eight warps and with four. Qwen2.5-7B (4 kv heads, group 7), one row at context 512:
/// 5.23 and 5.20; at 2,048: 5.65 and 5.31; at 8,192: 5.62 and 5.50; two rows at 1,024: 5.57 and 5.35.
/// Qwen3-1.7B (8 kv heads, group 2): 1.62 and 1.61; 1.78 and 1.78; 2.02 and 2.12; 1.79 and 1.82. Four warps
/// need `stream_bounds`: while projections did not fit beside each other, 7B's 5.20 was 5.87 (another run).
struct split_kv_beside_tuning : split_kv_tuning {
  static constexpr std::int32_t warps = 4;
  static constexpr std::int32_t resident = 2;
  static constexpr std::int32_t prefetched = 8;
  static constexpr bool idle_blocks_wait = true;

  static constexpr std::int32_t most_rows = 2;
  static constexpr std::int32_t least_group = 4;
};

template <class Element, std::int32_t HeadDim, std::int32_t Group, class View, class Tuning>
__global__ void __launch_bounds__(Tuning::warps * 32, Tuning::resident)
    split_kv_kernel(split_kv_arguments<Element, View> const arguments) {
  using block_type = split_kv_block<Element, HeadDim, Group, View, Tuning>;
  __shared__ typename block_type::shared_storage shared;
  let_next_start();
  block_type{arguments, shared}.run();
}

/// Decode attention of a batch's rows by `blocks` blocks.
template <std::int32_t Group, class Tuning, class View, class Element>
void launch_split_kv(context& ctx, batch_view const& batch, layer_index layer, View const& kv,
                     matrix_view<Element const> queries, matrix_view<Element> out, std::int32_t blocks) {
  constexpr std::int32_t head_dim = View::head_dim;
  auto const kv_heads = static_cast<std::int32_t>(queries.extent(1) / (Group * head_dim));
  std::size_t const vectors = static_cast<std::size_t>(blocks) * 2 * Group * head_dim / 4;
  auto* const partials =
      static_cast<std::byte*>(ctx.partial_scratch(vectors * (sizeof(float4) + sizeof(float2))));
  auto const pieces = static_cast<std::size_t>(batch.shape.rows) * static_cast<std::size_t>(kv_heads);
  split_kv_arguments<Element, View> const arguments{
      .kv = kv,
      .layer = layer.value,
      .rows = batch.shape.rows,
      .kv_heads = kv_heads,
      .least = Tuning::least,
      .plan = reinterpret_cast<split_kv_row const*>(batch.plan),
      .table = batch.table,
      .queries = queries.data,
      .out = out.data,
      .part_sums = reinterpret_cast<float4*>(partials),
      .part_scales = reinterpret_cast<float2*>(partials + vectors * sizeof(float4)),
      .arrived = ctx.counters(pieces)};
  launch<split_kv_kernel<Element, head_dim, Group, View, Tuning>>(
      ctx, dim3(static_cast<unsigned>(blocks)), dim3(Tuning::warps * 32), 0, ordering::dependent, arguments);
}

}  // namespace cuda

/// Attention of rows of one token each, on the GPU: bound by reading every key and value once.
///
/// All contexts together are dealt to blocks in equal shares, whatever row or key/value head they fall into,
/// so that every multiprocessor is busy for one long context and for many. A block gives the softmax maximum,
/// sum and weighted values of each piece, and the one that comes last merges those of a head in order
/// (Milakov and Gimelshein 2018, arXiv:1805.02867). Keys and values of earlier steps are read before the
/// kernel ahead is complete: only the newest position's are its. The grid is the device's size and what a
/// block does follows from the plan, so one recording serves every batch of as many rows. How contexts are
/// cut depends on the whole batch, and so do the last bits.
///
/// Tuning and FewRows say how, as `cuda::split_kv_tuning` and `cuda::split_kv_beside_tuning` do; FewRows is
/// for at most FewRows::most_rows rows whose group is not below FewRows::least_group (compute
/// capability 9.0).
template <class Tuning = cuda::split_kv_tuning, class FewRows = cuda::split_kv_beside_tuning>
struct tuned_split_kv_decode {
  static constexpr std::string_view name = "split_kv_decode";
  static constexpr bool capturable = true;

  template <std::int32_t HeadDim, std::int32_t Group>
  static constexpr bool supports = (HeadDim == 64 || HeadDim == 128) && Group >= 1 && Group <= 8;

  static std::size_t plan_words(batch_limits const& limits) { return split_kv_plan::words(limits.max_rows); }
  static void plan(batch_view const& batch, std::span<std::int32_t> words) {
    split_kv_plan::write(batch, words);
  }

  /// queries, out: [rows or more, kv_heads * Group * head_dim], not aliasing.
  template <std::int32_t Group, class View, class Element>
  static void run(cuda::context& ctx, batch_view const& batch, layer_index layer, View const& kv,
                  matrix_view<std::type_identity_t<Element> const> queries, matrix_view<Element> out) {
    static_assert(supports<View::head_dim, Group>,
                  "split_kv_decode needs head_dim 64 or 128 and a group of at most 8");
    if (!batch.shape.decode_only()) {
      throw options_error{
          "split_kv_decode: expected rows of one token, found a row of several: use it as the "
          "decode part of phased_attention"};
    }
    if (batch.shape.rows == 0) return;
    auto const& device = ctx.properties();
    if constexpr (Group >= FewRows::least_group) {
      bool const starts_early = device.compute_capability >= 90;  // before the kernel ahead has ended
      if (starts_early && batch.shape.rows <= FewRows::most_rows) {
        return cuda::launch_split_kv<Group, FewRows>(ctx, batch, layer, kv, queries, out,
                                                     device.multiprocessors);
      }
    }
    cuda::launch_split_kv<Group, Tuning>(ctx, batch, layer, kv, queries, out, device.multiprocessors);
  }
};

using split_kv_decode = tuned_split_kv_decode<>;

}  // namespace tenon
