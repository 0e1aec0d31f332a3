// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/attention/paged_prefill.cuh"

namespace {

/// Prompts by warp products.
struct mma_graph : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using attention = tenon::phased_attention<tenon::paged_prefill, tenon::split_kv_decode>;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<mma_graph>(argc, argv);
}
