// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/engine/speed.cuh"
#include "tenon/model/qwen3.hpp"
#include "tenon/recipes/serving.cuh"

int main(int argc, char** argv) {
  return tenon::benchmarks::measure_speed<tenon::recipes::serving<tenon::qwen3_1_7b>>(argc, argv);
}
