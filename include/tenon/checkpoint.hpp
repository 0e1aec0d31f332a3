// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Checkpoints as Hugging Face lays them out: adds Boost.JSON.

#include "tenon/checkpoint/generation_config.hpp"
#include "tenon/checkpoint/load_weights.hpp"
#include "tenon/checkpoint/model_config.hpp"
#include "tenon/checkpoint/progress_bar.hpp"
#include "tenon/checkpoint/random_weights.hpp"
#include "tenon/checkpoint/safetensors.hpp"
