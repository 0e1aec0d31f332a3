// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"

namespace {

/// What tenon/recipes/serving.cuh recommends; with --depth 2 the last rung of the ladder.
struct chunked_graph : tenon::recipes::serving<tenon::qwen3_1_7b> {};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<chunked_graph>(argc, argv);
}
