// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The engine and every policy that needs no device: nothing but the standard library is included. A thread of its own
/// for an engine is in tenon/engine/engine_thread.hpp.

#include "tenon/cache/contiguous_cache.hpp"
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
#include "tenon/sampling/greedy.hpp"
#include "tenon/sampling/top_p.hpp"
#include "tenon/scheduling/chunked_prefill.hpp"
#include "tenon/scheduling/prefill_first.hpp"
#include "tenon/scheduling/static_batch.hpp"
#include "tenon/version.hpp"
