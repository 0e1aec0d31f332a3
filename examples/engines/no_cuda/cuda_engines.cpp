// SPDX-License-Identifier: Apache-2.0
// Stands in for ../cuda where there is no CUDA Toolkit.
#include "engines/known_models.hpp"

bool has_cuda_engines() noexcept {
  return false;
}

int usable_gpus() noexcept {
  return 0;
}

std::string unusable_gpu() {
  return {};
}

std::optional<tenon::any_engine> make_cuda_engine(engine_choice const&, tenon::model_config const&) {
  return std::nullopt;
}
