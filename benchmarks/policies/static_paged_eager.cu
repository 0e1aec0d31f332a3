// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/launch/eager.hpp"
#include "tenon/scheduling/static_batch.hpp"

namespace {

/// Second rung of the ladder: static batches over pages.
struct static_paged_eager : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using scheduler = tenon::static_batch;
  using launch = tenon::eager<>;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<static_paged_eager>(argc, argv);
}
