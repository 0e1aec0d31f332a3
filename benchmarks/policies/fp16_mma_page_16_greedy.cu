// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/attention/paged_prefill.cuh"
#include "tenon/precision/fp16.hpp"
#include "tenon/sampling/block_greedy.cuh"

namespace {

/// Four axes at once.
struct fp16_mma_page_16_greedy : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using precision = tenon::fp16;
  using cache = tenon::paged_cache<16>;
  using attention = tenon::phased_attention<tenon::paged_prefill, tenon::split_kv_decode>;
  using sampler = tenon::block_greedy;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<fp16_mma_page_16_greedy>(argc, argv);
}
