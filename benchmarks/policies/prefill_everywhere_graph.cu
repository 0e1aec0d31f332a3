// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/attention/paged_prefill.cuh"

namespace {

/// The prompts' kernel for decoding rows too.
struct prefill_everywhere_graph : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using attention = tenon::paged_prefill;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<prefill_everywhere_graph>(argc, argv);
}
