// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/cache/contiguous_cache.hpp"
#include "tenon/launch/eager.hpp"
#include "tenon/scheduling/static_batch.hpp"

namespace {

/// First rung of the ladder: static batches, a region of the longest length for every sequence.
struct static_contiguous_eager : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using cache = tenon::contiguous_cache;
  using scheduler = tenon::static_batch;
  using launch = tenon::eager<>;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<static_contiguous_eager>(argc, argv);
}
