// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "tenon/core/dtype.hpp"

namespace tenon::cuda {

/// How the device computes with a storage type of `core/dtype.hpp`: the same bits, CUDA's own type.
template <class Element> struct element_traits;

template <> struct element_traits<bf16_t> {
  using native = __nv_bfloat16;
  using native2 = __nv_bfloat162;
  static constexpr char mma_name[] = "bf16";  ///< in the names of instructions
  __device__ static float widen(bf16_t value) {
    return __uint_as_float(static_cast<std::uint32_t>(value.bits) << 16);
  }
  __device__ static bf16_t round(float value) { return {__bfloat16_as_ushort(__float2bfloat16_rn(value))}; }
  /// Two floats to one word, `low` in the low half.
  __device__ static std::uint32_t round_pair(float low, float high) {
    __nv_bfloat162 const pair = __floats2bfloat162_rn(low, high);
    return reinterpret_cast<std::uint32_t const&>(pair);
  }
  __device__ static float2 widen_pair(std::uint32_t pair) {
    return {__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u)};
  }
};

template <> struct element_traits<f16_t> {
  using native = __half;
  using native2 = __half2;
  static constexpr char mma_name[] = "f16";
  __device__ static float widen(f16_t value) { return __half2float(__ushort_as_half(value.bits)); }
  __device__ static f16_t round(float value) { return {__half_as_ushort(__float2half_rn(value))}; }
  __device__ static std::uint32_t round_pair(float low, float high) {
    __half2 const pair = __floats2half2_rn(low, high);
    return reinterpret_cast<std::uint32_t const&>(pair);
  }
  __device__ static float2 widen_pair(std::uint32_t pair) {
    return __half22float2(reinterpret_cast<__half2 const&>(pair));
  }
};

}  // namespace tenon::cuda
