// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/engine/speed.cuh"
#include "tenon/model/qwen2.hpp"
#include "tenon/recipes/serving.cuh"

int main(int argc, char** argv) {
  return tenon::benchmarks::measure_speed<tenon::recipes::serving<tenon::qwen2_5_7b>>(argc, argv);
}
