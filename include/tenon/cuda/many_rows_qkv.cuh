// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/gemm.hpp"
#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/qkv_heads.cuh"
#include "tenon/cuda/rms_norm.cuh"
#include "tenon/cuda/wgmma_gemm.cuh"
#include "tenon/cuda/wgmma_qkv.cuh"
#include "tenon/work/batch.hpp"

namespace tenon::cuda {

/// Eight elements of one head: four of its first half, and the four that rotate with them.
struct half_pairs {
  float4 low, high;
};

__device__ inline float4 scaled(float4 value, float factor, float4 weight) {
  return {value.x * factor * weight.x, value.y * factor * weight.y, value.z * factor * weight.z,
          value.w * factor * weight.w};
}

__device__ inline float4 added(float4 a, float4 b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w};
}

__device__ inline float squares(float4 v) {
  return v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
}

/// RMSNorm of a head that `Lanes` neighbouring lanes share. All lanes of the warp take part; those whose head
/// has no norm (`weight` null) keep their values.
template <int Lanes>
__device__ half_pairs norm_head_lanes(half_pairs value, float const* weight, float epsilon) {
  float sum = squares(value.low) + squares(value.high);
#pragma unroll
  for (int step = Lanes / 2; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
  if (weight == nullptr) return value;
  float const factor = 1.0f / sqrtf(sum / static_cast<float>(8 * Lanes) + epsilon);
  auto const* const weights = reinterpret_cast<float4 const*>(weight);
  int const lane = static_cast<int>(threadIdx.x) % Lanes;
  return {scaled(value.low, factor, weights[lane]), scaled(value.high, factor, weights[Lanes + lane])};
}

/// Turns the pairs by the angles of a position: cosines, then sines (`cpu::rotate_head`).
template <int Lanes> __device__ half_pairs rotate_lanes(half_pairs value, float const* angles) {
  auto const* const vectors = reinterpret_cast<float4 const*>(angles);
  int const lane = static_cast<int>(threadIdx.x) % Lanes;
  float4 const c = vectors[lane];
  float4 const s = vectors[Lanes + lane];
  float4 const a = value.low;
  float4 const b = value.high;
  return {{a.x * c.x - b.x * s.x, a.y * c.y - b.y * s.y, a.z * c.z - b.z * s.z, a.w * c.w - b.w * s.w},
          {b.x * c.x + a.x * s.x, b.y * c.y + a.y * s.y, b.z * c.z + a.z * s.z, b.w * c.w + a.w * s.w}};
}

template <int Lanes, class Element> __device__ void store_lanes(half_pairs value, Element* head) {
  using traits = element_traits<Element>;
  auto* const to = reinterpret_cast<uint2*>(head);
  int const lane = static_cast<int>(threadIdx.x) % Lanes;
  to[lane] = {traits::round_pair(value.low.x, value.low.y), traits::round_pair(value.low.z, value.low.w)};
  to[Lanes + lane] = {traits::round_pair(value.high.x, value.high.y),
                      traits::round_pair(value.high.z, value.high.w)};
}

/// Bias, norm of each query and key head, rotary embedding; queries to their matrix, keys and values to the
/// cache. A block takes `Tokens` tokens; head_dim / 8 lanes share a head, and threads pass over the heads.
template <int Tokens, class Element, class View>
__global__ void __launch_bounds__(640)
    qkv_epilogue_kernel(float const* projected, qkv_heads<Element, View> heads) {
  constexpr int lanes = View::head_dim / 8;
  static_assert(32 % lanes == 0, "a head's lanes are neighbours in one warp");
  let_next_start();
  wait_for_previous();
  int const first_token = static_cast<int>(blockIdx.x) * Tokens;
  int const last_token = heads.batch.shape.tokens - 1;
  int const heads_a_pass = static_cast<int>(blockDim.x) / lanes;
  int const lane = static_cast<int>(threadIdx.x) % lanes;
  for (int first = 0; first < heads.count(); first += heads_a_pass) {
    int const thread_head = first + static_cast<int>(threadIdx.x) / lanes;
    int const head = min(thread_head, heads.count() - 1);  // idle lanes go along, for the shuffles
    half_pairs values[Tokens];
#pragma unroll
    for (int i = 0; i < Tokens; ++i) {
      std::int64_t const token = min(first_token + i, last_token);
      auto const* const from =
          reinterpret_cast<float4 const*>(projected + (token * heads.count() + head) * View::head_dim);
      values[i] = {__ldcs(from + lane), __ldcs(from + lanes + lane)};
    }
    half_pairs bias{};
    if (heads.bias != nullptr) {
      auto const* const from = reinterpret_cast<float4 const*>(heads.bias + head * View::head_dim);
      bias = {from[lane], from[lanes + lane]};
    }
#pragma unroll
    for (int i = 0; i < Tokens; ++i) {
      if (first_token + i > last_token) break;
      auto const place = heads.place(first_token + i);
      half_pairs value{added(values[i].low, bias.low), added(values[i].high, bias.high)};
      if (heads.query_norm != nullptr || heads.key_norm != nullptr) {
        value = norm_head_lanes<lanes>(value, heads.norm(head), heads.epsilon);
      }
      if (!heads.is_value(head)) value = rotate_lanes<lanes>(value, place.angles);
      if (thread_head < heads.count()) store_lanes<lanes>(value, heads.target(place, head));
    }
  }
}

/// Product and epilogue in one kernel; false where it does not serve.
template <class Element, class View>
bool wgmma_qkv(context& ctx, matrix_view<Element const> in, dense_matrix<Element> const& matrix,
               qkv_heads<Element, View> const& heads) {
  if constexpr (View::head_dim == 64 || View::head_dim == 128) {
    std::int32_t const tiles = ceil_div(matrix.out_features, 2 * wgmma_gemm::half_features);
    return wgmma_gemm::run(ctx, in, matrix, tiles, wgmma_gemm::qkv_epilogue<Element, View>{heads});
  } else {
    return false;
  }
}

/// Enqueues the epilogue of a product that lies in memory, [tokens, heads * head_dim].
template <class Element, class View>
void finish_qkv(context& ctx, float const* projected, std::int32_t count,
                qkv_heads<Element, View> const& heads) {
  constexpr int lanes = View::head_dim / 8;
  constexpr int most_threads = 640;
  std::int32_t const tokens = heads.batch.shape.tokens;
  int const passes = ceil_div(count * lanes, most_threads);
  auto const threads = static_cast<unsigned>(round_up(ceil_div(count, passes) * lanes, 32));
  // Four tokens a block hide the latency of memory once there are blocks enough for every multiprocessor.
  if (tokens >= 16 * ctx.properties().multiprocessors) {
    launch<qkv_epilogue_kernel<4, Element, View>>(ctx, static_cast<unsigned>(ceil_div(tokens, 4)), threads, 0,
                                                  ordering::dependent, projected, heads);
  } else {
    launch<qkv_epilogue_kernel<1, Element, View>>(ctx, static_cast<unsigned>(tokens), threads, 0,
                                                  ordering::dependent, projected, heads);
  }
}

/// The heads of one layer, as `norm_qkv` is told of them.
template <class P, class View>
qkv_heads<typename P::activation, View> heads_of(batch_view const& batch, layer_weights<P> const& layer,
                                                 rope_view rope, float epsilon, std::int32_t layer_number,
                                                 View const& kv,
                                                 matrix_view<typename P::activation> queries) {
  auto const query_heads = static_cast<std::int32_t>(queries.extent(1) / View::head_dim);
  return {.batch = batch,
          .kv = kv,
          .rope = rope,
          .bias = layer.qkv_bias.data,
          .query_norm = layer.query_norm.data,
          .key_norm = layer.key_norm.data,
          .queries = queries.data,
          .epsilon = epsilon,
          .layer = layer_number,
          .query_heads = query_heads,
          .kv_heads = (layer.qkv.out_features / View::head_dim - query_heads) / 2};
}

/// The many-row path of `norm_qkv`: norm, then one kernel for product and epilogue, or a GEMM to float and a
/// kernel for the epilogue.
template <class P, class View>
void many_rows_norm_qkv(context& ctx, batch_view const& batch, matrix_view<float const> x,
                        layer_weights<P> const& layer, rope_view rope, float epsilon,
                        std::int32_t layer_number, View const& kv,
                        matrix_view<typename P::activation> queries) {
  using element = typename P::activation;
  std::int32_t const tokens = batch.shape.tokens;
  if (tokens == 0) return;
  auto const normed = rms_norm_rows<element>(ctx, x, nullptr, tokens, layer.attention_norm, epsilon);
  auto const heads = heads_of(batch, layer, rope, epsilon, layer_number, kv, queries);
  std::int32_t const tiles = ceil_div(layer.qkv.out_features, 2 * wgmma_gemm::half_features);
  if (wgmma_gemm::fills(ctx.properties().multiprocessors, tokens, tiles) &&
      wgmma_qkv(ctx, normed, layer.qkv, heads))
    return;
  auto* const projected = static_cast<float*>(ctx.projected_scratch(
      static_cast<std::size_t>(tokens) * static_cast<std::size_t>(layer.qkv.out_features) * sizeof(float)));
  multiply(ctx, normed, layer.qkv, projected);
  finish_qkv(ctx, projected, layer.qkv.out_features / View::head_dim, heads);
}

}  // namespace tenon::cuda
