// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/launch/eager.hpp"
#include "tenon/scheduling/prefill_first.hpp"

namespace {

/// Third rung of the ladder: continuous batching, whole prompts before decoding rows.
struct prefill_first_eager : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using scheduler = tenon::prefill_first;
  using launch = tenon::eager<>;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<prefill_first_eager>(argc, argv);
}
