// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/precision/fp16.hpp"

namespace {

/// Half precision of 11 bits.
struct fp16_graph : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using precision = tenon::fp16;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<fp16_graph>(argc, argv);
}
