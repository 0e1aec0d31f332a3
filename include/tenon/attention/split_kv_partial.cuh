// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

namespace tenon::cuda {

/// Of one query head over some positions: four dimensions of its weighted values, and by what they were
/// weighted.
struct split_kv_partial {
  float4 sum{0.0f, 0.0f, 0.0f, 0.0f};
  float2 scale{-std::numeric_limits<float>::infinity(), 0.0f};  ///< largest score (base 2), sum of weights

  /// Adds part(0) to part(Count - 1), in order. All are read at once (Milakov and Gimelshein 2018,
  /// arXiv:1805.02867).
  template <std::int32_t Count, class Part> __device__ void add(Part const& part) {
    split_kv_partial parts[Count];
#pragma unroll
    for (std::int32_t p = 0; p < Count; ++p) parts[p] = part(p);
    float largest = scale.x;
#pragma unroll
    for (std::int32_t p = 0; p < Count; ++p) largest = fmaxf(largest, parts[p].scale.x);
    float const base = fmaxf(largest, -1e30f);  // so that nothing and nothing are nothing
    float const keep = exp2f(scale.x - base);
    sum = {sum.x * keep, sum.y * keep, sum.z * keep, sum.w * keep};
    scale = {largest, scale.y * keep};
#pragma unroll
    for (std::int32_t p = 0; p < Count; ++p) {
      float const factor = exp2f(parts[p].scale.x - base);
      sum.x += factor * parts[p].sum.x;
      sum.y += factor * parts[p].sum.y;
      sum.z += factor * parts[p].sum.z;
      sum.w += factor * parts[p].sum.w;
      scale.y += factor * parts[p].scale.y;
    }
  }
};

}  // namespace tenon::cuda
