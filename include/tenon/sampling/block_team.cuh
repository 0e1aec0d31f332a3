// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <bit>
#include <cstddef>
#include <cstdint>

#include "tenon/cuda/counter.cuh"
#include "tenon/cuda/launch.cuh"

namespace tenon::block_sampling {

inline constexpr int row_blocks = 8;  ///< that share a row: the largest cluster that every GPU of 9.0 has
inline constexpr int block_threads = 512;
inline constexpr int block_warps = block_threads / 32;

/// What blocks without clusters meet through: device memory that starts zeroed.
struct team_links {
  std::byte* boxes = nullptr;         // [rows, row_blocks, box_bytes]
  std::uint32_t* counters = nullptr;  // [1 + 2 * rows] tickets; arrivals and generation of every row
  std::size_t box_bytes = 0;
};

/// The blocks of one row as a cluster: they read each other's shared memory. Compute capability 9.0.
///
/// What one block puts into its box, others read after a `sync` with `read`; `publish` before it names what.
class cluster_team {
 public:
  static constexpr bool is_cluster = true;

  __device__ static cluster_team join(team_links const&, void const*) { return {}; }

  __device__ int rank() const { return static_cast<int>(blockIdx.x); }
  __device__ int row() const { return static_cast<int>(blockIdx.y); }

  template <class T> __device__ void publish(T const*, int) const {}

  __device__ void sync() const {
#if __CUDA_ARCH__ >= 900
    __syncwarp();  // whole warps take part
    asm volatile(
        "barrier.cluster.arrive.release.aligned;\n"
        "barrier.cluster.wait.acquire.aligned;\n" ::
            : "memory");
#endif
  }

  template <class T> __device__ T read([[maybe_unused]] int rank, T const& mine) const {
#if __CUDA_ARCH__ >= 900
    return *static_cast<T const*>(__cluster_map_shared_rank(&mine, static_cast<unsigned>(rank)));
#else
    return mine;
#endif
  }
};

/// The blocks of one row by way of global memory, on any device. A block takes its place by a ticket, so that
/// those it waits for hold earlier tickets or come next: no order of launch can make it wait for ever. Every
/// access names its state space: see cuda/counter.cuh.
class counter_team {
 public:
  static constexpr bool is_cluster = false;

  __device__ static counter_team join(team_links const& links, void const* box) {
    __shared__ std::uint32_t ticket;
    if (threadIdx.x == 0) ticket = cuda::take_ticket(links.counters, gridDim.x * gridDim.y);
    __syncthreads();
    counter_team team;
    team.links_ = links;
    team.box_ = static_cast<std::byte const*>(box);
    team.row_ = static_cast<int>(ticket) / row_blocks;
    team.rank_ = static_cast<int>(ticket) % row_blocks;
    return team;
  }

  __device__ int rank() const { return rank_; }
  __device__ int row() const { return row_; }

  template <class T> __device__ void publish(T const* values, int count) const {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8);
    __syncthreads();
    auto* const target = box_of(rank_) + offset_of(values);
    for (int i = static_cast<int>(threadIdx.x); i < count; i += block_threads) {
      if constexpr (sizeof(T) == 4) {
        __stcg(reinterpret_cast<unsigned*>(target) + i, std::bit_cast<unsigned>(values[i]));
      } else {
        __stcg(reinterpret_cast<unsigned long long*>(target) + i,
               std::bit_cast<unsigned long long>(values[i]));
      }
    }
  }

  __device__ void sync() const {
    __syncthreads();
    if (threadIdx.x == 0) {
      auto* const arrived = links_.counters + 1 + 2 * row_;
      auto* const generation = arrived + 1;
      std::uint32_t const before = cuda::load_acquire(generation);
      if (cuda::count_in(arrived) == row_blocks - 1) {
        cuda::store_release(arrived, 0);
        cuda::store_release(generation, before + 1);
      } else {
        while (cuda::load_acquire(generation) == before) {
        }
      }
    }
    __syncthreads();
  }

  template <class T> __device__ T read(int rank, T const& mine) const {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8);
    auto const* const found = box_of(rank) + offset_of(&mine);
    if constexpr (sizeof(T) == 4) {
      return std::bit_cast<T>(__ldcg(reinterpret_cast<unsigned const*>(found)));
    } else {
      return std::bit_cast<T>(__ldcg(reinterpret_cast<unsigned long long const*>(found)));
    }
  }

 private:
  __device__ std::byte* box_of(int rank) const {
    return links_.boxes + static_cast<std::size_t>(row_ * row_blocks + rank) * links_.box_bytes;
  }
  template <class T> __device__ std::ptrdiff_t offset_of(T const* value) const {
    return reinterpret_cast<std::byte const*>(value) - box_;
  }

  team_links links_;
  std::byte const* box_ = nullptr;
  int row_ = 0;
  int rank_ = 0;
};

}  // namespace tenon::block_sampling
