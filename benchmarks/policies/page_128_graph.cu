// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"

namespace {

/// Large pages.
struct page_128_graph : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using cache = tenon::paged_cache<128>;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<page_128_graph>(argc, argv);
}
