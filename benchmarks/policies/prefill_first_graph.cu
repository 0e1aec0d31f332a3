// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/scheduling/prefill_first.hpp"

namespace {

/// Whole prompts before decoding rows, replayed.
struct prefill_first_graph : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using scheduler = tenon::prefill_first;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<prefill_first_graph>(argc, argv);
}
