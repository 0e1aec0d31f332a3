// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/sampling/block_greedy.cuh"

namespace {

/// The largest logit, nothing drawn.
struct greedy_graph : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using sampler = tenon::block_greedy;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<greedy_graph>(argc, argv);
}
