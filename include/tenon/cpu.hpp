// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The engine on the CPU: adds the backend, its attention, the recipes that use them, and every policy to compare with.

#include "tenon/cache/contiguous_cache.hpp"
#include "tenon/recipes/compose.hpp"
#include "tenon/recipes/reference.hpp"
#include "tenon/sampling/greedy.hpp"
#include "tenon/scheduling/prefill_first.hpp"
#include "tenon/scheduling/static_batch.hpp"
#include "tenon/tenon.hpp"
