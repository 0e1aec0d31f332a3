// SPDX-License-Identifier: Apache-2.0
#include "engines/cpu/make_engine.hpp"

template std::optional<tenon::any_engine> make_engine<tenon::fp32, qwen2_models>(engine_choice const&,
                                                                                 tenon::model_config const&);
