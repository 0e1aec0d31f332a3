// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "tenon/cuda/element.cuh"
#include "tenon/cuda/stream_plan.cuh"
#include "tenon/cuda/stream_product.cuh"

namespace tenon::cuda {

/// At most 8 rows of the residual stream, which every block normalises by itself into its shared memory.
template <class Element> struct normed_input {
  static constexpr bool streamed = false;
  static constexpr std::int32_t tiles = 1;
  static constexpr std::int32_t most_features = 4096;  ///< what the registers of `norm_rows` hold

  float const* x;              // [tokens, in_features]
  std::int32_t const* tokens;  // [rows] which row of x each row is, or null: row i
  float const* weight;         // [in_features]
  float epsilon;

  static bool serves(stream_plan const& plan) { return plan.in_features <= most_features; }

  template <class> static constexpr std::int32_t slots(stream_plan const&) { return 0; }
  template <class> __host__ __device__ static constexpr std::uint32_t row_stride(stream_plan const& plan) {
    return static_cast<std::uint32_t>(2 * plan.in_features) + row_padding;
  }
  template <class Tuning>
  __host__ __device__ static constexpr std::uint32_t shared_bytes(stream_plan const& plan) {
    // a warp whose part of the last chunk lies beyond the end reads on, and does not use it
    std::int32_t const beyond = plan.in_features % Tuning::chunk == 0 ? 0 : 2 * Tuning::chunk;
    return static_cast<std::uint32_t>(plan.rows) * row_stride<Tuning>(plan) +
           static_cast<std::uint32_t>(beyond);
  }
  template <class> __device__ static std::uint32_t input_slot_bytes(stream_plan const&) { return 0; }
  template <class> __device__ static std::uint32_t chunk_offset(std::int32_t k) {
    return static_cast<std::uint32_t>(2 * k);
  }

  static constexpr std::int32_t held = most_features / (4 * consumer_threads);
  struct norm_state {
    float4 weight[held];
  };

  /// Reads the norm's weights, which may be done early.
  __device__ norm_state before_wait(stream_plan const& plan) const {
    norm_state state;
    for (std::int32_t j = 0; j < held; ++j) {
      auto const i = static_cast<std::int32_t>(threadIdx.x) + j * consumer_threads;
      if (4 * i < plan.in_features) state.weight[j] = __ldg(reinterpret_cast<float4 const*>(weight) + i);
    }
    return state;
  }

  __device__ void prepare(stream_plan const& plan, norm_state const& state, std::byte* rows,
                          float* sums) const {
    if (plan.rows == 1) {
      norm_rows<1, held>(plan, state, rows, sums);
    } else if (plan.rows == 2 || plan.in_features > most_features / 2) {
      norm_rows<2, 2 * held>(plan, state, rows, sums);
    } else {
      norm_rows<4, 2 * held>(plan, state, rows, sums);
    }
    meet_consumers();
  }

 private:
  /// `Together` rows at a time, each by 8 / Together warps, which keep it in registers between its two uses.
  template <std::int32_t Together, std::int32_t Vectors>
  __device__ void norm_rows(stream_plan const& plan, norm_state const& state, std::byte* rows,
                            float* sums) const {
    constexpr std::int32_t warps = consumer_warps / Together;
    auto const thread = static_cast<std::int32_t>(threadIdx.x);
    std::int32_t const within = thread % (32 * warps);
    // blocks begin at different places, so that they do not ask for the same line at the same time
    std::int32_t const turn = Together == 1 ? 0 : static_cast<std::int32_t>(blockIdx.x);
    for (std::int32_t begin = 0; begin < plan.rows; begin += Together) {
      std::int32_t const row = begin + (thread / (32 * warps) + turn) % Together;
      bool const active = row < plan.rows;
      std::int64_t const token = !active || tokens == nullptr ? row : tokens[row];
      auto const* const source = reinterpret_cast<float4 const*>(x + token * plan.in_features);
      float4 values[Vectors];
      float squares = 0.0f;
      for (std::int32_t j = 0; j < Vectors; ++j) {
        std::int32_t const i = within + (j + turn) % Vectors * 32 * warps;
        values[j] = active && 4 * i < plan.in_features ? __ldcg(source + i) : float4{};
      }
      for (auto const& v : values) squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
      for (std::int32_t d = 16; d > 0; d /= 2) squares += __shfl_xor_sync(0xffffffffu, squares, d);
      float* const slots = sums + (begin / Together) % 2 * consumer_warps;
      if (thread % 32 == 0) slots[thread / 32] = squares;
      meet_consumers();
      float all = 0.0f;
      for (std::int32_t w = 0; w < warps; ++w) all += slots[thread / (32 * warps) * warps + w];
      float const factor = 1.0f / sqrtf(all / static_cast<float>(plan.in_features) + epsilon);
      auto* const target = reinterpret_cast<uint2*>(rows + static_cast<std::size_t>(row) *
                                                               (2 * plan.in_features + row_padding));
      for (std::int32_t j = 0; j < Vectors; ++j) {
        std::int32_t const i = within + (j + turn) % Vectors * 32 * warps;
        if (!active || 4 * i >= plan.in_features) continue;
        float4 const w =
            Together == 1 ? state.weight[j % held] : __ldg(reinterpret_cast<float4 const*>(weight) + i);
        target[i] = {scaled(values[j].x, values[j].y, factor, w.x, w.y),
                     scaled(values[j].z, values[j].w, factor, w.z, w.w)};
      }
    }
  }

  /// Two elements of the normed row: rounded after the norm, and again after the weight.
  __device__ static std::uint32_t scaled(float a, float b, float factor, float weight_a, float weight_b) {
    using traits = element_traits<Element>;
    float2 const n = traits::widen_pair(traits::round_pair(a * factor, b * factor));
    return traits::round_pair(n.x * weight_a, n.y * weight_b);
  }
};

/// Rows of activations that stream beside the weights, once for every `Tiles` tiles of them.
template <class Element, std::int32_t Tiles> struct streamed_input {
  static constexpr bool streamed = true;
  static constexpr std::int32_t tiles = Tiles;

  Element const* in;  // [rows, in_features]

  /// As many as hide the way to the second-level cache, in about one slot of weights.
  template <class Tuning> static constexpr std::int32_t slots(stream_plan const& plan) {
    constexpr std::uint32_t bytes = 18 << 10;
    return std::clamp(static_cast<std::int32_t>(bytes / input_slot_bytes<Tuning>(plan)), 2, most_input_slots);
  }

  template <class Tuning> __host__ __device__ static constexpr std::uint32_t row_stride(stream_plan const&) {
    return slot_stride<Tuning>();
  }
  template <class Tuning>
  __host__ __device__ static constexpr std::uint32_t input_slot_bytes(stream_plan const& plan) {
    return static_cast<std::uint32_t>(plan.rows) * slot_stride<Tuning>();
  }
  template <class Tuning>
  __host__ __device__ static constexpr std::uint32_t shared_bytes(stream_plan const& plan) {
    return static_cast<std::uint32_t>(plan.input_slots) * input_slot_bytes<Tuning>(plan);
  }
  template <class> __device__ static std::uint32_t chunk_offset(std::int32_t) { return 0; }

  struct norm_state {};
  __device__ norm_state before_wait(stream_plan const&) const { return {}; }
  __device__ void prepare(stream_plan const&, norm_state, std::byte*, float*) const {}

  /// One chunk of every row, by one warp.
  template <class Tuning>
  __device__ void copy(stream_plan const& plan, std::uint32_t slot, std::uint32_t full, std::int32_t k,
                       std::int32_t count) const {
    copy_segments<Tuning::bulk && has_bulk_copies(), keep::normal>(
        plan.rows, static_cast<std::uint32_t>(2 * count), full,
        [&](std::int32_t row) { return in + static_cast<std::int64_t>(row) * plan.in_features + k; },
        [&](std::int32_t row) { return slot + static_cast<std::uint32_t>(row) * slot_stride<Tuning>(); });
  }
};

}  // namespace tenon::cuda
