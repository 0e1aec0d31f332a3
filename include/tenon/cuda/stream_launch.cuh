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
  plan.input_slots = Input::template slots<Tuning>(plan);
  stream_layout const layout{Input::row_tiles, Epilogue::shared_bytes(plan),
                             Input::template shared_bytes<Tuning>(plan)};
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

/// What more than 8 rows change: smaller chunks, since the rows take room, and with more than 32 rows one
/// block has a multiprocessor for itself.
template <class Tuning, std::int32_t RowTiles> struct tuning_for_rows : Tuning {
  static constexpr std::int32_t chunk = RowTiles > 1 ? 256 : Tuning::chunk;
  static constexpr std::int32_t shared_bytes = RowTiles > 4 ? 231424 : Tuning::shared_bytes;
};

/// `launch_stream` for up to 64 rows, in [rows, in_features], which stream beside the weights once for
/// every `Tiles` tiles of these.
template <class Element, class Tuning, std::int32_t Tiles, class Epilogue>
bool launch_wide_stream(context& ctx, stream_plan const& plan, std::int32_t blocks, Element const* weights,
                        Element const* in, Epilogue const& epilogue) {
  bool launched = false;
  auto const serve = [&]<std::int32_t RowTiles>() {
    if (plan.rows > 8 * RowTiles) return false;
    if constexpr (8 * RowTiles <= Tuning::most_rows) {
      constexpr std::int32_t together = RowTiles == 4 ? std::min(Tiles, 3) : Tiles;
      launched = launch_stream<Element, tuning_for_rows<Tuning, RowTiles>>(
          ctx, plan, blocks, weights, streamed_input<Element, RowTiles, together>{in}, epilogue);
    }
    return true;
  };
  (void)(serve.template operator()<1>() || serve.template operator()<2>() || serve.template operator()<4>() ||
         serve.template operator()<8>());
  return launched;
}

/// One block a multiprocessor, each with at least one pair.
inline std::int32_t stream_blocks(context const& ctx, std::int32_t pairs) {
  return std::min(pairs, static_cast<std::int32_t>(ctx.properties().multiprocessors));
}

/// An epilogue whose results need nothing of other tiles.
struct tile_epilogue {
  static constexpr bool loads_before_wait = false;  ///< only what the host wrote before the step, and weights
  struct row_state {};
  struct state {};
  struct ahead {};

  __host__ __device__ static constexpr std::uint32_t shared_bytes(stream_plan const&) { return 0; }
  __device__ static void start() { __syncthreads(); }
  __device__ row_state begin_row(std::int32_t) const { return {}; }
  template <std::int32_t Outputs>
  __device__ void finish(stream_plan const&, state const*, row_state const*, std::int32_t, std::int32_t,
                         std::byte*) const {}
};

}  // namespace tenon::cuda
