// SPDX-License-Identifier: Apache-2.0
#include "reference/prompt_logits.cuh"
#include "tenon/model/qwen3.hpp"
#include "tenon/recipes/serving.cuh"

int main(int argc, char** argv) {
  return tenon::testing::prompt_logits_main<tenon::recipes::serving<tenon::qwen3_1_7b>>(argc, argv);
}
