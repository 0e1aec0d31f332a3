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

template <class Element, std::int32_t HeadDim, std::int32_t Group, class View, std::int32_t Warps>
__global__ void __launch_bounds__(Warps * 32, 12 / Warps)
    split_kv_kernel(split_kv_arguments<Element, View> const arguments) {
  using block_type = split_kv_block<Element, HeadDim, Group, View, Warps>;
  __shared__ typename block_type::shared_storage shared;
  let_next_start();
  block_type{arguments, shared}.run();
}

/// Decode attention of a batch's rows by `blocks` blocks, each of which has work for `least_units` units or
/// none.
template <std::int32_t Group, std::int32_t Warps, class View, class Element>
void launch_split_kv(context& ctx, batch_view const& batch, layer_index layer, View const& kv,
                     matrix_view<Element const> queries, matrix_view<Element> out, std::int32_t blocks,
                     std::int32_t least_units) {
  constexpr std::int32_t head_dim = View::head_dim;
  auto const kv_heads = static_cast<std::int32_t>(queries.extent(1) / (Group * head_dim));
  std::size_t const parts = static_cast<std::size_t>(blocks) * 2 * Group;
  constexpr std::size_t sum_bytes = head_dim * sizeof(float);
  auto* const partials = static_cast<std::byte*>(ctx.partial_scratch(parts * (sum_bytes + sizeof(float2))));
  auto const heads = static_cast<std::size_t>(batch.shape.rows) * static_cast<std::size_t>(kv_heads);
  split_kv_arguments<Element, View> const arguments{
      .kv = kv,
      .layer = layer.value,
      .rows = batch.shape.rows,
      .kv_heads = kv_heads,
      .least = least_units,
      .plan = reinterpret_cast<split_kv_row const*>(batch.plan),
      .table = batch.table,
      .queries = queries.data,
      .out = out.data,
      .part_sums = reinterpret_cast<float4*>(partials),
      .part_scales = reinterpret_cast<float2*>(partials + parts * sum_bytes),
      .arrived = ctx.counters(heads)};
  launch<split_kv_kernel<Element, head_dim, Group, View, Warps>>(
      ctx, dim3(static_cast<unsigned>(blocks)), dim3(Warps * 32), 0, ordering::dependent, arguments);
}

}  // namespace cuda

/// Attention of rows of one token each, on the GPU: bound by reading every key and value once.
///
/// All contexts together are dealt to blocks in equal shares, whatever row or key/value head they fall into,
/// so that every multiprocessor is busy for one long context and for many. A block gives the softmax maximum,
/// sum and weighted values of each piece, and the one that comes last merges those of a head in order
/// (Milakov and Gimelshein 2018, arXiv:1805.02867). The grid is the device's size and what a block does
/// follows from the plan, so one recording serves every batch of as many rows. How contexts are cut depends
/// on the whole batch, and so do the last bits.
struct split_kv_decode {
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
    cuda::launch_split_kv<Group, warps>(ctx, batch, layer, kv, queries, out, ctx.properties().multiprocessors,
                                        1);
  }

 private:
  /// Of one block a multiprocessor. One row at context 2048, with 8 kv heads and a group of 2, or 4 and 7,
  /// takes 6.3 or 5.9 us; with two blocks of four warps 7.7 or 8.2 (H100, 2026-11-22).
  static constexpr std::int32_t warps = 8;
};

}  // namespace tenon
