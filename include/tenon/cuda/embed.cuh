// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "tenon/backend/weights.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/ids.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/element.cuh"
#include "tenon/cuda/gemm.hpp"
#include "tenon/cuda/launch.cuh"
#include "tenon/work/batch.hpp"

namespace tenon::cuda {

/// One block a token; a thread widens eight elements at a time. It lets no kernel of the step start before
/// the copies of pages ahead of it are complete, so that attention may read early what earlier steps have
/// cached.
template <class Element>
__global__ void embed_kernel(batch_view batch, Element const* table, std::int32_t width, float* x) {
  using traits = element_traits<Element>;
  wait_for_previous();
  let_next_start();
  auto const token = static_cast<std::int64_t>(blockIdx.x);
  slot_id const slot = batch.id_slots[token];
  std::int64_t const id = slot == no_slot ? batch.ids[token] : batch.slot_ids[slot];
  auto const* const from = reinterpret_cast<uint4 const*>(table + id * width);
  auto* const to = reinterpret_cast<float4*>(x + token * width);
  for (auto i = static_cast<int>(threadIdx.x); i < width / 8; i += static_cast<int>(blockDim.x)) {
    uint4 const packed = __ldg(from + i);
    float2 const a = traits::widen_pair(packed.x);
    float2 const b = traits::widen_pair(packed.y);
    float2 const c = traits::widen_pair(packed.z);
    float2 const d = traits::widen_pair(packed.w);
    to[2 * i] = {a.x, a.y, b.x, b.y};
    to[2 * i + 1] = {c.x, c.y, d.x, d.y};
  }
}

/// `cpu::embed` on the device: x[t, :] = table[id(t), :], widened to float. The width is a multiple of 8.
template <class P>
  requires tensor_core_element<typename P::activation>
void embed(context& ctx, batch_view const& batch, dense_matrix<typename P::activation> const& table,
           matrix_view<float> x) {
  if (batch.shape.tokens == 0) return;
  auto const threads = std::min(1024, round_up(ceil_div(table.in_features, 8), 32));
  launch<embed_kernel<typename P::activation>>(ctx, static_cast<unsigned>(batch.shape.tokens),
                                               static_cast<unsigned>(threads), 0, ordering::dependent, batch,
                                               table.data, table.in_features, x.data);
}

}  // namespace tenon::cuda
