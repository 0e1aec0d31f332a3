// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/cluster.cuh"
#include "tenon/cuda/rms_norm.cuh"
#include "tenon/cuda/stream_launch.cuh"
#include "tenon/work/batch.hpp"

namespace tenon::cuda {

/// Where queries, keys and values of one layer go, and what is done to them on the way.
template <class Element, class View> struct qkv_target {
  batch_view batch;
  View kv;
  rope_view rope;
  float const* bias;        // [features] or null
  float const* query_norm;  // [head_dim] or null
  float const* key_norm;    // [head_dim] or null
  Element* queries;         // [rows, query_heads * head_dim]
  std::int32_t layer;
  std::int32_t query_heads;
  std::int32_t kv_heads;
  float epsilon;
};

/// Bias, per-head norm, rotary embedding and stores of queries, keys and values. With HeadNorm the blocks of
/// a cluster share one head: they exchange its sums of squares through distributed shared memory.
template <class Element, class View, bool HeadNorm> struct qkv_store {
  static constexpr std::int32_t head_dim = View::head_dim;
  static constexpr std::int32_t half = head_dim / 2;
  static constexpr std::int32_t most_blocks = 8;  ///< of a cluster
  static constexpr std::int32_t most_rows = few_rows_limit;
  static constexpr bool any_block = false;
  static constexpr bool loads_before_wait = true;  ///< the batch's arrays, bias, norms and angles
  using cache_element = typename View::element_type;

  qkv_target<Element, View> to;

  struct row_state {
    std::int32_t batch_row, position;
    float const* angles;
  };
  /// What is loaded while the products are summed.
  struct ahead {
    void* first;
    float cosine, sine, bias_first, bias_second, norm_first, norm_second;
  };
  struct state {
    float squares;
    void* head;  ///< where the row's first element of the block's head goes
  };
  struct kept {
    float first, second, cosine, sine;
  };

  __host__ __device__ static constexpr std::uint32_t shared_bytes(stream_plan const& plan) {
    if (!HeadNorm) return 0;
    std::int32_t const pairs = (half / plan.cluster + tile_pairs - 1) / tile_pairs * tile_pairs;
    return static_cast<std::uint32_t>(most_blocks * most_rows * sizeof(float)) +
           static_cast<std::uint32_t>(pairs * plan.rows) * static_cast<std::uint32_t>(sizeof(kept));
  }

  __device__ static void start() {
    if constexpr (HeadNorm) {
      sync_cluster();
    } else {
      __syncthreads();
    }
  }

  __device__ row_state begin_row(std::int32_t row) const {
    std::int32_t const batch_row = to.batch.token_rows[row];
    std::int32_t const position = to.batch.positions[row];
    return {batch_row, position, to.rope.at(to.batch.rope_sets[batch_row], position)};
  }

  __device__ ahead prefetch(stream_plan const& plan, row_state const& state, std::int32_t pair,
                            std::int32_t row) const {
    std::int32_t const i = pair % half;
    ahead found{address(state, pair, row), 1.0f, 0.0f, 0.0f, 0.0f, 1.0f, 1.0f};
    if (!is_value(pair / half)) {
      found.cosine = __ldg(state.angles + i);
      found.sine = __ldg(state.angles + half + i);
      if constexpr (HeadNorm) {
        float const* const norm = is_query(pair / half) ? to.query_norm : to.key_norm;
        found.norm_first = __ldg(norm + i);
        found.norm_second = __ldg(norm + half + i);
      }
    }
    if (to.bias != nullptr) {
      found.bias_first = __ldg(to.bias + plan.first(pair));
      found.bias_second = __ldg(to.bias + plan.first(pair) + half);
    }
    return found;
  }

  __device__ void store(stream_plan const& plan, state& sums, row_state const&, ahead const& with,
                        std::int32_t tile, std::int32_t pair, std::int32_t, float first, float second,
                        std::byte* shared) const {
    first += with.bias_first;
    second += with.bias_second;
    if (!HeadNorm || is_value(pair / half)) {
      put(is_query(pair / half), with.first, rotated({first, second, with.cosine, with.sine}));
      return;
    }
    sums.squares += first * first + second * second;
    sums.head = static_cast<std::uint16_t*>(with.first) - pair % half;
    place(shared, plan, tile) = {first * with.norm_first, second * with.norm_second, with.cosine, with.sine};
  }

  /// Norm, rotation and stores of a whole head, once its blocks know their sums of squares.
  __device__ void finish(stream_plan const& plan, state const& sums, std::int32_t begin, std::int32_t tiles,
                         std::byte* shared) const {
    if constexpr (HeadNorm) {
      if (is_value(begin / half)) return;
      auto* const all = reinterpret_cast<float*>(shared);
      float squares = row() < plan.rows ? sums.squares : 0.0f;
      for (std::int32_t d = 1; d < tile_pairs; d *= 2) squares += __shfl_xor_sync(0xffffffffu, squares, d);
      if (row() < plan.rows && within() < plan.cluster) {
        store_at_rank(all + cluster_rank() * most_rows + row(), within(), squares);
      }
      sync_cluster();
      if (row() >= plan.rows) return;
      squares = 0.0f;
      for (std::int32_t block = 0; block < plan.cluster; ++block) squares += all[block * most_rows + row()];
      float const factor = 1.0f / sqrtf(squares / head_dim + to.epsilon);
      finish_row(plan, factor, sums.head, begin, tiles, shared);
    }
  }

 private:
  /// Which results this thread finishes, as `stream_block` shares them out.
  __device__ static std::int32_t within() { return static_cast<std::int32_t>(threadIdx.x % tile_pairs); }
  __device__ static std::int32_t row() { return static_cast<std::int32_t>(threadIdx.x / tile_pairs); }

  __device__ void finish_row(stream_plan const& plan, float factor, void* head, std::int32_t begin,
                             std::int32_t tiles, std::byte* shared) const {
    std::int32_t const pairs = half / plan.cluster;
    for (std::int32_t tile = 0; tile < tiles; ++tile) {
      std::int32_t const pair = begin + pairs * tile / tiles + within();
      if (pair >= begin + pairs * (tile + 1) / tiles) continue;
      kept item = place(shared, plan, tile);
      item.first *= factor;
      item.second *= factor;
      put(is_query(pair / half), static_cast<std::uint16_t*>(head) + pair % half, rotated(item));
    }
  }

  __device__ bool is_query(std::int32_t head) const { return head < to.query_heads; }
  __device__ bool is_value(std::int32_t head) const { return head >= to.query_heads + to.kv_heads; }

  /// This thread's own place for a result of one tile.
  __device__ static kept& place(std::byte* shared, stream_plan const& plan, std::int32_t tile) {
    auto* const all = reinterpret_cast<kept*>(shared + most_blocks * most_rows * sizeof(float));
    return all[(tile * plan.rows + row()) * tile_pairs + within()];
  }

  __device__ static float2 rotated(kept const& item) {
    return {item.first * item.cosine - item.second * item.sine,
            item.second * item.cosine + item.first * item.sine};
  }

  /// Where the first element of a pair goes.
  __device__ void* address(row_state const& state, std::int32_t pair, std::int32_t row) const {
    std::int32_t const head = pair / half;
    std::int32_t const i = pair % half;
    if (is_query(head)) {
      return to.queries + (static_cast<std::int64_t>(row) * to.query_heads + head) * head_dim + i;
    }
    std::int32_t const kv_head = head - to.query_heads;
    bool const value = is_value(head);
    auto const run = to.kv.run(to.batch, to.layer, state.batch_row, value ? kv_head - to.kv_heads : kv_head,
                               state.position);
    return (value ? run.values : run.keys) + i;
  }

  __device__ static void put(bool query, void* first, float2 values) {
    if (query) {
      put_as<Element>(first, values);
    } else {
      put_as<cache_element>(first, values);
    }
  }
  template <class To> __device__ static void put_as(void* first, float2 values) {
    auto* const target = static_cast<To*>(first);
    target[0] = element_traits<To>::round(values.x);
    target[half] = element_traits<To>::round(values.y);
  }
};

/// Blocks that share a head: as many as still leave one multiprocessor to each.
inline std::int32_t blocks_a_head(context const& ctx, std::int32_t heads, std::int32_t half) {
  std::int32_t blocks = 8;
  while (blocks > 1 && (heads * blocks > ctx.properties().multiprocessors || half / blocks < 4)) blocks /= 2;
  return blocks;
}

/// `norm_qkv` for few rows, by a weight stream; false where it does not serve the shape.
template <class P, class Tuning = stream_tuning, class View>
bool few_rows_norm_qkv(context& ctx, batch_view const& batch, matrix_view<float const> x,
                       layer_weights<P> const& layer, rope_view rope, float epsilon,
                       std::int32_t layer_number, View const& kv,
                       matrix_view<typename P::activation> queries) {
  using element = typename P::activation;
  if constexpr (!streams_weights<P> || !has_traits<typename View::element_type>) {
    return false;
  } else {
    constexpr std::int32_t head_dim = View::head_dim;
    using input = normed_input<element>;
    std::int32_t const rows = batch.shape.tokens;
    auto const& matrix = layer.qkv;
    if (rows < 1 || rows > few_rows_limit || matrix.in_features % 128 != 0) return false;
    auto const query_heads = static_cast<std::int32_t>(queries.extent(1)) / head_dim;
    std::int32_t const heads = matrix.out_features / head_dim;
    bool const normed = layer.query_norm.data != nullptr && layer.key_norm.data != nullptr;
    if (!normed && (layer.query_norm.data != nullptr || layer.key_norm.data != nullptr)) return false;
    if (normed && ctx.properties().compute_capability < 90) return false;
    stream_plan plan{.pairs = matrix.out_features / 2,
                     .half = head_dim / 2,
                     .in_features = matrix.in_features,
                     .rows = rows};
    if (normed) plan.cluster = blocks_a_head(ctx, heads, head_dim / 2);
    qkv_target<element, View> const to{batch,
                                       kv,
                                       rope,
                                       layer.qkv_bias.data,
                                       layer.query_norm.data,
                                       layer.key_norm.data,
                                       queries.data,
                                       layer_number,
                                       query_heads,
                                       (heads - query_heads) / 2,
                                       epsilon};
    auto const serve = [&](std::int32_t blocks, auto const& epilogue) {
      if (input::serves(plan) && launch_stream<element, Tuning>(
                                     ctx, plan, blocks, matrix.data,
                                     input{x.data, nullptr, layer.attention_norm.data, epsilon}, epilogue)) {
        return true;
      }
      auto const n = rms_norm_rows<element>(ctx, x, nullptr, rows, layer.attention_norm, epsilon);
      return launch_stream<element, Tuning>(ctx, plan, blocks, matrix.data,
                                            streamed_input<element, 2>{n.data}, epilogue);
    };
    if (normed) return serve(heads * plan.cluster, qkv_store<element, View, true>{to});
    return serve(stream_blocks(ctx, plan.pairs), qkv_store<element, View, false>{to});
  }
}

}  // namespace tenon::cuda
