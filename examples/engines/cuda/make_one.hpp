// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engines/load_engine.hpp"
#include "tenon/engine/any_engine.hpp"

/// Defined in make_engine.cuh and instantiated in one file a model, so that they compile side by side.
template <class Model>
tenon::any_engine make_one_on_the_gpu(engine_choice const& choice, std::int32_t max_positions);
