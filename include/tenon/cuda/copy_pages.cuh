// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "tenon/core/checked_size.hpp"
#include "tenon/cuda/context.hpp"
#include "tenon/cuda/launch.cuh"
#include "tenon/work/batch.hpp"

namespace tenon::cuda {

/// Every thread copies its own 16 bytes of all pages, one copy after the other: so a page may be the source
/// of one copy and the target of a later one, and no thread waits for another.
template <class Vector>
__global__ void copy_pages_kernel(page_copy const* copies, std::int32_t count, Vector* cache,
                                  std::int64_t page_vectors) {
  let_next_start();
  wait_for_previous();
  auto const i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= page_vectors) return;
  for (std::int32_t n = 0; n < count; ++n) {
    page_copy const pages = copies[n];
    cache[pages.to * page_vectors + i] = cache[pages.from * page_vectors + i];
  }
}

/// `cpu::copy_pages` on the device, for caches of which a page is one block of `page_size()` elements.
template <class View>
  requires requires(View const& kv) { kv.data + kv.page_size(); }
void copy_pages(context& ctx, batch_view const& batch, View const& kv) {
  if (batch.shape.page_copies == 0) return;
  constexpr unsigned threads = 256;
  static_assert(View::head_dim * sizeof(*kv.data) % sizeof(uint4) == 0,
                "a head's row is whole 16-byte vectors");
  std::int64_t const vectors = kv.page_size() * static_cast<std::int64_t>(sizeof(*kv.data)) / 16;
  launch<copy_pages_kernel<uint4>>(ctx, static_cast<unsigned>(ceil_div<std::int64_t>(vectors, threads)),
                                   threads, 0, ordering::dependent, batch.copies, batch.shape.page_copies,
                                   reinterpret_cast<uint4*>(kv.data), vectors);
}

}  // namespace tenon::cuda
