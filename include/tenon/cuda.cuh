// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The engine on an NVIDIA GPU: adds the backend, its kernels, and the recipe that serves with them.

#include "tenon/recipes/compose.hpp"
#include "tenon/recipes/serving.cuh"
#include "tenon/tenon.hpp"
