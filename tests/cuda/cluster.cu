// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/cluster.cuh"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "tenon/cuda/launch.cuh"

using namespace tenon;

namespace {

/// Each block writes its number four times and reads those of all blocks of its cluster, by 4, 8 and 16
/// bytes.
__global__ void exchange(std::int32_t blocks, std::int32_t* out) {
  __shared__ __align__(16) std::int32_t mine[4];
  if (threadIdx.x < 4) mine[threadIdx.x] = static_cast<std::int32_t>(100 * blockIdx.x + threadIdx.x);
  cuda::sync_cluster();
  auto const rank = static_cast<std::int32_t>(threadIdx.x);
  if (rank < blocks) {
    auto* const to = out + (static_cast<std::int32_t>(blockIdx.x) * blocks + rank) * 4;
    to[0] = cuda::load_of_rank(mine, rank);
    to[1] = cuda::load_of_rank(reinterpret_cast<int2 const*>(mine), rank).y;
    to[2] = cuda::load_of_rank(reinterpret_cast<int4 const*>(mine), rank).w;
    to[3] = cuda::cluster_rank();
  }
  cuda::sync_cluster();  // no block ends while another reads its memory
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cluster)

BOOST_AUTO_TEST_CASE(blocks_read_each_others_shared_memory) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  if (ctx.properties().compute_capability < 90) {
    BOOST_TEST_MESSAGE("skipped: needs compute capability 9.0");
    return;
  }
  for (std::int32_t const blocks : {1, 2, 8}) {
    std::int32_t const all = 3 * blocks;  // three clusters
    std::vector<std::int32_t> expected;
    for (std::int32_t block = 0; block < all; ++block) {
      for (std::int32_t rank = 0; rank < blocks; ++rank) {
        std::int32_t const there = 100 * (block / blocks * blocks + rank);
        expected.insert(expected.end(), {there, there + 1, there + 3, block % blocks});
      }
    }
    testing::device_array<std::int32_t> const out{ctx, expected.size()};
    cuda::launch_in_clusters<exchange>(ctx, static_cast<unsigned>(blocks), dim3(static_cast<unsigned>(all)),
                                       dim3(32), 0, cuda::ordering::serial, blocks, out.data());
    BOOST_TEST((out.values() == expected), "clusters of " << blocks);
  }
}

BOOST_AUTO_TEST_SUITE_END()
