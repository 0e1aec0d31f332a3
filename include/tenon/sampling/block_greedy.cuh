// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "tenon/backend/buffer.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/counter.cuh"
#include "tenon/cuda/launch.cuh"
#include "tenon/sampling/block_row.cuh"
#include "tenon/sampling/candidate.hpp"
#include "tenon/sampling/sampler_policy.hpp"
#include "tenon/work/batch.hpp"

namespace tenon {
namespace block_sampling {

inline constexpr int most_greedy_blocks = 32;  ///< that share a row: one lane of a warp each

struct greedy_job {
  batch_view batch;
  float const* logits;  // [logit_rows, vocabulary]
  std::int32_t vocabulary;
  std::int32_t first_row;
  token_id* ids;            // [sample_rows]
  candidate* partial;       // [rows, most_greedy_blocks]
  std::uint32_t* counters;  // [rows] blocks that have arrived
};

/// The ids that a row must not choose, as `allowed_ids` says it on the host. Asked only of ids that would be
/// the best so far.
struct row_ban {
  token_id const* banned;
  std::int32_t banned_count;
  std::uint32_t const* mask;  // null: all are allowed

  __device__ static row_ban of(batch_view const& batch, sampling_row const& row, std::int32_t vocabulary) {
    auto const block = static_cast<std::ptrdiff_t>(row.mask) * ((vocabulary + 31) / 32);
    return {batch.table + row.banned_begin, row.banned_end - row.banned_begin,
            row.mask >= 0 ? batch.masks + block : nullptr};
  }

  __device__ bool allows(token_id id) const {
    if (mask != nullptr && ((mask[id / 32] >> (id % 32)) & 1u) == 0) return false;
    for (std::int32_t i = 0; i < banned_count; ++i) {
      if (banned[i] == id) return false;
    }
    return true;
  }
};

/// The best allowed id that this thread finds among [begin, end) of a row.
template <int Threads>
__device__ candidate best_of_range(float const* logits, std::int32_t begin, std::int32_t end,
                                   row_ban const& ban) {
  candidate best{never, last_id};
  auto const look = [&](float logit, token_id id) {
    float const usable = usable_logit(logit);
    if (usable > best.logit && ban.allows(id)) best = {usable, id};
  };
  auto const thread = static_cast<std::int32_t>(threadIdx.x);
  bool const aligned = (reinterpret_cast<std::uintptr_t>(logits + begin) & 15u) == 0;
  std::int32_t const vectors = aligned ? (end - begin) / 4 : 0;
  auto const* const four_logits = reinterpret_cast<float4 const*>(logits + begin);
#pragma unroll 4
  for (std::int32_t v = thread; v < vectors; v += Threads) {
    float4 const four = __ldcg(four_logits + v);
    float const largest = fmaxf(fmaxf(four.x, four.y), fmaxf(four.z, four.w));
    if (!(usable_logit(largest) > best.logit)) continue;
    std::int32_t const id = begin + 4 * v;
    look(four.x, id);
    look(four.y, id + 1);
    look(four.z, id + 2);
    look(four.w, id + 3);
  }
  for (std::int32_t id = begin + 4 * vectors + thread; id < end; id += Threads) {
    look(__ldcg(logits + id), id);
  }
  return best;
}

/// The block's first candidate, in the first warp.
template <int Threads> __device__ candidate first_of_block(candidate mine) {
  __shared__ candidate of_warp[Threads / 32];
  candidate const best = first_of_warp(mine);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = best;
  __syncthreads();
  if (threadIdx.x >= 32) return best;
  return first_of_warp(threadIdx.x < Threads / 32 ? of_warp[threadIdx.x] : candidate{never, last_id});
}

/// Of the candidates that a row's blocks have found the first, in the first warp of the block that comes
/// last; false in the others.
__device__ inline bool last_block_of_row(greedy_job const& job, std::int32_t row, candidate& best) {
  auto const blocks = static_cast<std::int32_t>(gridDim.x);
  auto const lane = static_cast<std::int32_t>(threadIdx.x);
  candidate* const partial = job.partial + static_cast<std::ptrdiff_t>(row) * most_greedy_blocks;
  std::uint32_t arrived = 0;
  if (lane == 0) {
    partial[blockIdx.x] = best;
    arrived = cuda::count_in(job.counters + row);
  }
  if (__shfl_sync(~0u, arrived, 0) + 1 != gridDim.x) return false;
  __syncwarp();
  candidate mine{never, last_id};
  if (lane < blocks) {
    auto const found = __ldcg(reinterpret_cast<float2 const*>(partial + lane));
    mine = {found.x, __float_as_int(found.y)};
  }
  best = first_of_warp(mine);
  if (lane == 0) job.counters[row] = 0;
  return true;
}

/// Grid (blocks a row, rows), Threads threads a block. The block that comes last combines what all have
/// found; which one that is makes no difference.
template <int Threads>
__global__ void __launch_bounds__(Threads) greedy_rows_kernel(__grid_constant__ greedy_job const job) {
  cuda::let_next_start();
  cuda::wait_for_previous();
  auto const place = static_cast<std::int32_t>(blockIdx.y);
  std::int32_t const index = job.first_row + place;
  sampling_row const& row = job.batch.sampling[index];
  std::int32_t const ids = (job.vocabulary + 4 * static_cast<std::int32_t>(gridDim.x) - 1) /
                           (4 * static_cast<std::int32_t>(gridDim.x)) * 4;
  std::int32_t const begin = min(static_cast<std::int32_t>(blockIdx.x) * ids, job.vocabulary);
  std::int32_t const end = min(begin + ids, job.vocabulary);
  float const* const logits = job.logits + static_cast<std::ptrdiff_t>(row.logit_row) * job.vocabulary;
  token_id id = row.forced;
  if (id == no_token) {
    candidate best = first_of_block<Threads>(
        best_of_range<Threads>(logits, begin, end, row_ban::of(job.batch, row, job.vocabulary)));
    if (threadIdx.x >= 32) return;
    if (gridDim.x > 1 && !last_block_of_row(job, place, best)) return;
    id = best.logit == never ? no_token : best.id;
  } else if (blockIdx.x > 0) {
    return;
  }
  if (threadIdx.x != 0) return;
  job.ids[index] = id;
  if (row.slot != no_slot) job.batch.slot_ids[row.slot] = id == no_token ? 0 : id;
}

}  // namespace block_sampling

/// `greedy` on the device: exactly the host sampler's ids. One pass over the logits, by as many blocks a row
/// as the device has room for.
struct block_greedy {
  struct state {
    candidate* partial = nullptr;       // [rows, most_greedy_blocks]
    std::uint32_t* counters = nullptr;  // [rows] zero before and after every launch
    std::int32_t rows = 0;
  };

  static constexpr int threads = 256;
  static constexpr std::string_view name = "block_greedy";

  static bool serves(sampling_row const& row) noexcept {
    return row.temperature == 0.0f && !row.penalises() && row.logprobs < 0 && row.bias_begin == row.bias_end;
  }

  static state make_state(carver& memory, std::int32_t slots, std::int32_t /*vocabulary*/) {
    state made;
    made.rows = slots;
    made.partial = memory.take<candidate>(checked_size{slots} * block_sampling::most_greedy_blocks);
    made.counters = memory.take<std::uint32_t>(slots);
    return made;
  }

  static void run(cuda::context& ctx, batch_view const& batch, matrix_view<float> logits, state const& state,
                  sampled_view const& out) {
    run_with(ctx, batch, logits, state, out, blocks_a_row(ctx, batch.shape.sample_rows));
  }

  /// About two blocks a multiprocessor.
  static int blocks_a_row(cuda::context const& ctx, std::int32_t rows) noexcept {
    return std::clamp(2 * ctx.properties().multiprocessors / std::max(rows, 1), 1,
                      block_sampling::most_greedy_blocks);
  }

  static void run_with(cuda::context& ctx, batch_view const& batch, matrix_view<float const> logits,
                       state const& state, sampled_view const& out, int blocks) {
    using namespace block_sampling;
    for (std::int32_t first = 0; first < batch.shape.sample_rows; first += state.rows) {
      greedy_job const job{batch,         logits.data, static_cast<std::int32_t>(logits.extent(1)),
                           first,         out.ids,     state.partial,
                           state.counters};
      dim3 const grid(static_cast<unsigned>(blocks),
                      static_cast<unsigned>(std::min(state.rows, batch.shape.sample_rows - first)));
      cuda::launch<greedy_rows_kernel<threads>>(ctx, grid, dim3(threads), 0, cuda::ordering::dependent, job);
    }
  }
};

}  // namespace tenon
