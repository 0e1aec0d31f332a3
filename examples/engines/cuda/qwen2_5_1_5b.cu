// SPDX-License-Identifier: Apache-2.0
#include "engines/cuda/make_engine.cuh"
#include "tenon/model/qwen2.hpp"

template tenon::any_engine make_one_on_the_gpu<tenon::qwen2_5_1_5b>(engine_choice const&, std::int32_t);
