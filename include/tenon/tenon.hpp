// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The engine with what most recipes are made of; nothing but the standard library is included. What there is to compare
/// with (greedy, static_batch, prefill_first, contiguous_cache) comes with a backend's header or by its own, a thread for
/// an engine by tenon/engine/engine_thread.hpp.

#include "tenon/cache/paged_cache.hpp"
#include "tenon/engine/any_engine.hpp"
#include "tenon/engine/engine.hpp"
#include "tenon/launch/eager.hpp"
#include "tenon/model/op_chain.hpp"
#include "tenon/model/qwen2.hpp"
#include "tenon/model/qwen3.hpp"
#include "tenon/parallel/single_device.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"
#include "tenon/precision/fp32.hpp"
#include "tenon/sampling/top_p.hpp"
#include "tenon/scheduling/chunked_prefill.hpp"
#include "tenon/version.hpp"
