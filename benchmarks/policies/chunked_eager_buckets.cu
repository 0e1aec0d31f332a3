// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/launch/eager.hpp"

namespace {

/// Padded as for replaying, yet enqueued op by op.
struct chunked_eager_buckets : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using launch = tenon::eager<1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64>;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<chunked_eager_buckets>(argc, argv);
}
