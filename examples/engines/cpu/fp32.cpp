// SPDX-License-Identifier: Apache-2.0
#include "engines/cpu/make_engine.hpp"

tenon::any_engine make_fp32_engine(engine_choice const& choice, tenon::model_config const& config) {
  return make_engine<tenon::fp32>(choice, config, known_models{});
}
