// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/launch/eager.hpp"

namespace {

/// Fourth rung of the ladder: prompts in pieces beside decoding rows.
struct chunked_eager : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using launch = tenon::eager<>;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<chunked_eager>(argc, argv);
}
