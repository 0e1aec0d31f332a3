// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The engine on the CPU: adds the backend, its attention, and the recipes that use them.

#include "tenon/recipes/compose.hpp"
#include "tenon/recipes/reference.hpp"
#include "tenon/tenon.hpp"
