// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <numbers>

#include "tenon/attention/prefill_plan.hpp"
#include "tenon/backend/backend.hpp"
#include "tenon/cache/paged_view.hpp"
#include "tenon/core/tensor_view.hpp"
#include "tenon/cuda/mma.cuh"
#include "tenon/work/batch.hpp"

namespace tenon::cuda {

/// Division of a number below 2^31 by a number known when the kernel starts (Granlund and Montgomery 1994).
struct fast_division {
  std::uint32_t divisor = 1;
  std::uint32_t multiplier = 0;
  std::int32_t shift = 0;

  static fast_division by(std::int32_t divisor) noexcept {
    std::int32_t bits = 0;
    while ((std::int64_t{1} << bits) < divisor) ++bits;
    auto const wide = static_cast<std::uint64_t>(divisor);
    return {static_cast<std::uint32_t>(divisor),
            static_cast<std::uint32_t>(((std::uint64_t{1} << (31 + bits)) + wide - 1) / wide), 31 + bits};
  }

  __device__ std::uint32_t quotient(std::uint32_t number) const {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(number) * multiplier >> shift);
  }
};

/// What a prefill kernel reads and writes, for one layer. A cache row is one position's key or value of one
/// head: HeadDim elements; rows are counted from the start of the cache, so that 32 bits address all of it.
template <class Element> struct prefill_arguments {
  Element const* queries = nullptr;  // [tokens, query_width]
  Element* out = nullptr;            // [tokens, query_width]
  Element const* cache = nullptr;
  std::int32_t const* plan = nullptr;
  std::int32_t const* table = nullptr;
  std::int64_t query_width = 0;
  std::uint32_t page_rows = 0;   ///< from one page to the next
  std::uint32_t layer_row = 0;   ///< first row of the layer's keys in a page
  std::uint32_t values_row = 0;  ///< from a key to its value
  fast_division page_tokens{};
  std::int32_t group = 1;   ///< query heads that share a key/value head
  float log2_scale = 0.0f;  ///< head_dim^-0.5 / ln 2: exp(x / sqrt(head_dim)) = 2^(x * log2_scale)

  template <std::int32_t HeadDim>
  static prefill_arguments of(std::int32_t group, batch_view const& batch, layer_index layer,
                              paged_view<Element, HeadDim> const& kv, matrix_view<Element const> queries,
                              matrix_view<Element> out) {
    auto const tokens = static_cast<std::uint32_t>(kv.page_tokens);
    auto const heads = static_cast<std::uint32_t>(kv.kv_heads);
    return {.queries = queries.data,
            .out = out.data,
            .cache = kv.data,
            .plan = batch.plan,
            .table = batch.table,
            .query_width = queries.extent(1),
            .page_rows = 2 * static_cast<std::uint32_t>(kv.layers) * heads * tokens,
            .layer_row = 2 * static_cast<std::uint32_t>(layer.value) * heads * tokens,
            .values_row = heads * tokens,
            .page_tokens = fast_division::by(kv.page_tokens),
            .group = group,
            .log2_scale = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(HeadDim))};
  }

  /// The cache row of a position's key; `pages` are the page numbers of the position's sequence.
  __device__ std::uint32_t key_row(std::int32_t const* pages, std::int32_t kv_head,
                                   std::int32_t position) const {
    auto const number = static_cast<std::uint32_t>(position);
    std::uint32_t const page = page_tokens.quotient(number);
    std::uint32_t const offset = number - page * page_tokens.divisor;
    return static_cast<std::uint32_t>(pages[page]) * page_rows + layer_row +
           static_cast<std::uint32_t>(kv_head) * page_tokens.divisor + offset;
  }
};

/// A warp's number as one that the compiler knows to be the same in every lane.
__device__ inline std::int32_t of_first_lane(std::int32_t number) {
  return __shfl_sync(0xffff'ffffu, number, 0);
}

/// Tile `index` of a plan in device memory; one of no tokens if the plan has fewer tiles.
__device__ inline prefill_tile planned_tile(std::int32_t const* plan, std::int32_t index) {
  std::int32_t const* const words =
      plan + prefill_plan::first_tile + prefill_plan::tile_words * static_cast<std::size_t>(index);
  std::int32_t const tokens = index < plan[0] ? words[1] : 0;
  return {of_first_lane(words[0]), of_first_lane(tokens), of_first_lane(words[2]), of_first_lane(words[3])};
}

/// 2^x; 0 for minus infinity. Error below 2 ulp (PTX ISA, ex2.approx).
__device__ inline float exp2_approximate(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

__device__ inline void store_shared(std::uint32_t address, std::uint32_t word) {
  asm volatile("st.shared.u32 [%0], %1;" ::"r"(address), "r"(word) : "memory");
}

__device__ inline void store_shared(std::uint32_t address, uint4 words) {
  asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(address), "r"(words.x), "r"(words.y),
               "r"(words.z), "r"(words.w)
               : "memory");
}

__device__ inline std::uint32_t load_shared_word(std::uint32_t address) {
  std::uint32_t word;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(word) : "r"(address) : "memory");
  return word;
}

}  // namespace tenon::cuda
