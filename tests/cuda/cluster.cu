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

/// Each block writes to its own place in every block of its cluster, and says what stands in its own memory.
__global__ void exchange(std::int32_t blocks, float* out) {
  __shared__ float mine[8];
  auto const other = static_cast<std::int32_t>(threadIdx.x);
  cuda::sync_cluster();  // every block has started
  if (other < blocks) {
    cuda::store_at_rank(mine + cuda::cluster_rank(), other,
                        static_cast<float>(100 * blockIdx.x + threadIdx.x));
  }
  cuda::sync_cluster();
  if (other < blocks) out[static_cast<std::int32_t>(blockIdx.x) * blocks + other] = mine[other];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cluster)

BOOST_AUTO_TEST_CASE(blocks_write_to_each_others_shared_memory) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  if (ctx.properties().compute_capability < 90) {
    BOOST_TEST_MESSAGE("skipped: needs compute capability 9.0");
    return;
  }
  for (std::int32_t const blocks : {1, 2, 8}) {
    std::int32_t const all = 3 * blocks;  // three clusters
    std::vector<float> expected;
    for (std::int32_t block = 0; block < all; ++block) {
      for (std::int32_t rank = 0; rank < blocks; ++rank) {
        std::int32_t const writer = block / blocks * blocks + rank;
        expected.push_back(static_cast<float>(100 * writer + block % blocks));
      }
    }
    testing::device_array<float> const out{ctx, expected.size()};
    cuda::launch_in_clusters<exchange>(ctx, static_cast<unsigned>(blocks), dim3(static_cast<unsigned>(all)),
                                       dim3(32), 0, cuda::ordering::serial, blocks, out.data());
    BOOST_TEST((out.values() == expected), "clusters of " << blocks);
  }
}

BOOST_AUTO_TEST_SUITE_END()
