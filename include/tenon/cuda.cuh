// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The engine on an NVIDIA GPU: adds the backend and its ops.

#include "tenon/cuda/backend.hpp"
#include "tenon/cuda/copy_pages.cuh"
#include "tenon/cuda/embed.cuh"
#include "tenon/cuda/linear_residual.cuh"
#include "tenon/cuda/norm_gate_up.cuh"
#include "tenon/cuda/norm_head.cuh"
#include "tenon/cuda/norm_qkv.cuh"
#include "tenon/tenon.hpp"
