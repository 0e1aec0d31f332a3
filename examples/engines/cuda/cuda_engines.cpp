// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <string>
#include <type_traits>

#include "engines/cuda/make_one.hpp"
#include "engines/known_models.hpp"
#include "tenon/core/error.hpp"
#include "tenon/cuda/device.hpp"

namespace {

template <class... Models>
std::optional<tenon::any_engine> make_from(engine_choice const& choice, tenon::model_config const& config,
                                           model_list<Models...>) {
  std::optional<tenon::any_engine> found;
  auto const try_model = [&]<class Model>(std::type_identity<Model>) {
    if (!tenon::matches<Model>(config)) return false;
    found = make_one_on_the_gpu<Model>(choice, config.parameters.max_positions);
    return true;
  };
  static_cast<void>((try_model(std::type_identity<Models>{}) || ...));
  return found;
}

}  // namespace

bool has_cuda_engines() noexcept {
  return true;
}

int usable_gpus() noexcept {
  return tenon::cuda::device_count();
}

std::string unusable_gpu() {
  int driver = 0;
  int count = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) return {};
  if (cudaGetDeviceCount(&count) != cudaErrorInsufficientDriver) return {};
  try {
    tenon::cuda::open_device(0);
    return {};
  } catch (tenon::device_error const& refused) {
    return refused.what();
  }
}

std::optional<tenon::any_engine> make_cuda_engine(engine_choice const& choice,
                                                  tenon::model_config const& config) {
  auto found = make_from(choice, config, qwen3_models{});
  return found ? std::move(found) : make_from(choice, config, qwen2_models{});
}
