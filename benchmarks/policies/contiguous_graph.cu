// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/policies/policy_lab.cuh"
#include "tenon/cache/contiguous_cache.hpp"

namespace {

/// No pages, else as recommended.
struct contiguous_graph : tenon::recipes::serving<tenon::qwen3_1_7b> {
  using cache = tenon::contiguous_cache;
};

}  // namespace

int main(int argc, char** argv) {
  return tenon::benchmarks::run_policy_lab<contiguous_graph>(argc, argv);
}
