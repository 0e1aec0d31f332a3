// SPDX-License-Identifier: Apache-2.0
#include "engines/cuda/make_engine.cuh"
#include "tenon/model/qwen3.hpp"

template tenon::any_engine make_one_on_the_gpu<tenon::qwen3_1_7b>(engine_choice const&, std::int32_t);
