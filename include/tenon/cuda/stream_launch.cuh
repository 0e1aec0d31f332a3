// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "tenon/backend/weights.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/launch.cuh"
#include "tenon/cuda/stream_input.cuh"
#include "tenon/cuda/stream_product.cuh"

namespace tenon::cuda {

/// Rows that the weight streams serve.
inline constexpr std::int32_t few_rows_limit = 8;

/// 16-bit types of `element.cuh`.
template <class T> inline constexpr bool has_traits = std::is_same_v<T, bf16_t> || std::is_same_v<T, f16_t>;

/// Precisions whose weights and activations meet in one mma.
template <class P>
inline constexpr bool streams_weights =
    has_traits<typename P::activation> &&
    std::is_same_v<typename P::matrix, dense_matrix<typename P::activation>>;

/// Enqueues a weight stream in `blocks` blocks, or says false where its rings do not fit.
template <class Element, class Tuning, class Input, class Epilogue>
bool launch_stream(context& ctx, stream_plan plan, std::int32_t blocks, Element const* weights,
                   Input const& input, Epilogue const& epilogue) {
  constexpr std::int32_t least_slots = 3;
  plan.fixed = plan.pairs;
  if constexpr (Epilogue::any_block && !Input::streamed && Tuning::dealt < 100) {
    std::int32_t const round = tile_pairs * blocks;  // a tile for every block
    std::int32_t const dealt = plan.pairs * Tuning::dealt / 100 / round * round;
    if (dealt > 0) plan.fixed = dealt, plan.counters = ctx.counters(2);
  }
  plan.input_slots = Input::template slots<Tuning>(plan);
  stream_layout const layout{Epilogue::shared_bytes(plan), Input::template shared_bytes<Tuning>(plan)};
  auto const budget =
      std::min(static_cast<std::size_t>(Tuning::shared_bytes), ctx.properties().shared_memory_a_block);
  if (plan.in_features % 128 != 0 || budget < layout.ring + least_slots * slot_bytes<Tuning>()) return false;
  plan.slots = static_cast<std::int32_t>(
      std::min<std::size_t>(most_weight_slots, (budget - layout.ring) / slot_bytes<Tuning>()));
  auto const shared_bytes = layout.ring + static_cast<std::size_t>(plan.slots) * slot_bytes<Tuning>();
  constexpr auto kernel = stream_product_kernel<Element, Input, Epilogue, Tuning>;
  constexpr auto threads = static_cast<std::uint32_t>(stream_threads<Input, Tuning>());
  launch_in_clusters<kernel>(ctx, static_cast<unsigned>(plan.cluster), dim3{static_cast<unsigned>(blocks)},
                             dim3{threads}, shared_bytes, Tuning::order, plan, weights, input, epilogue);
  return true;
}

/// One block a multiprocessor, each with at least one pair.
inline std::int32_t stream_blocks(context const& ctx, std::int32_t pairs) {
  return std::min(pairs, static_cast<std::int32_t>(ctx.properties().multiprocessors));
}

/// An epilogue whose results need nothing of other tiles.
struct tile_epilogue {
  static constexpr bool any_block = true;           ///< whose tiles any block can take
  static constexpr bool loads_before_wait = false;  ///< only what the host wrote before the step, and weights
  struct row_state {};
  struct state {};
  struct ahead {};

  __host__ __device__ static constexpr std::uint32_t shared_bytes(stream_plan const&) { return 0; }
  __device__ static void start() { __syncthreads(); }
  __device__ row_state begin_row(std::int32_t) const { return {}; }
  __device__ void finish(stream_plan const&, state const&, std::int32_t, std::int32_t, std::byte*) const {}
};

}  // namespace tenon::cuda
