// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "tenon/cpu/context.hpp"
#include "tenon/work/batch.hpp"

namespace tenon::cpu {

/// Copies pages of the cache, keys and values of every layer, in the order of `batch.copies`: a page may be
/// the source of one copy and the target of a later one. Runs before the step's keys are stored.
template <class View> void copy_pages(context&, batch_view const& batch, View const& kv) {
  for (std::int32_t i = 0; i < batch.shape.page_copies; ++i) kv.copy(batch.copies[i]);
}

}  // namespace tenon::cpu
