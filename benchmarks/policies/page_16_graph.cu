// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"

namespace {

/// Small pages.
struct page_16_graph : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using cache = tenon::paged_cache<16>;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<page_16_graph>(argc, argv);
}
