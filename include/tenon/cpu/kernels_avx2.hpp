// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdint>

#include "tenon/core/dtype.hpp"
#include "tenon/cpu/kernels_scalar.hpp"

namespace tenon::cpu {

/// The kernels in AVX2 with FMA and F16C: two registers hold all lanes. What each function computes, and in
/// which order, is said at `scalar_kernels`.
struct avx2_kernels {
  static constexpr int weight_rows = 3;
  static constexpr int activation_rows = 2;

  template <class Element>
  [[gnu::target("avx2,fma,f16c")]] static void widen(Element const* in, float* out, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + half <= count; i += half) _mm256_storeu_ps(out + i, load(in + i));
    scalar_kernels::widen(in + i, out + i, count - i);
  }

  template <class Element>
  [[gnu::target("avx2,fma,f16c")]] static void round(float const* in, Element* out, std::int64_t count) {
    std::int64_t i = 0;
    if constexpr (std::is_same_v<Element, f16_t>) {
      for (; i + half <= count; i += half) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
      }
    }
    scalar_kernels::round(in + i, out + i, count - i);
  }

  template <int Rows, int Columns, class Element>
  [[gnu::target("avx2,fma,f16c")]] static void dots(Element const* w, std::int64_t w_stride, float const* x,
                                                    std::int64_t x_stride, std::int64_t k, float* out,
                                                    std::int64_t out_stride) {
    __m256 sums[Columns][Rows][2];
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) sums[c][r][0] = sums[c][r][1] = _mm256_setzero_ps();
    }
    add_products<Rows, Columns>(w, w_stride, x, x_stride, k, sums);
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) out[c * out_stride + r] = total(sums[c][r][0], sums[c][r][1]);
    }
  }

  template <int Rows, int Columns, class Element>
  [[gnu::target("avx2,fma,f16c")]] static void add_dots(Element const* w, std::int64_t w_stride,
                                                        float const* x, std::int64_t x_stride, std::int64_t k,
                                                        float* lane_sums) {
    __m256 sums[Columns][Rows][2];
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        sums[c][r][0] = _mm256_loadu_ps(lane_sums + (c * Rows + r) * lanes);
        sums[c][r][1] = _mm256_loadu_ps(lane_sums + (c * Rows + r) * lanes + half);
      }
    }
    add_products<Rows, Columns>(w, w_stride, x, x_stride, k, sums);
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        _mm256_storeu_ps(lane_sums + (c * Rows + r) * lanes, sums[c][r][0]);
        _mm256_storeu_ps(lane_sums + (c * Rows + r) * lanes + half, sums[c][r][1]);
      }
    }
  }

  [[gnu::target("avx2,fma,f16c")]] static void totals(float const* lane_sums, std::int64_t count,
                                                      float* out) {
    for (std::int64_t i = 0; i < count; ++i) {
      out[i] = total(_mm256_loadu_ps(lane_sums + i * lanes), _mm256_loadu_ps(lane_sums + i * lanes + half));
    }
  }

  [[gnu::target("avx2,fma,f16c")]] static float sum_of_squares(float const* x, std::int64_t count) {
    float sum = 0.0f;
    dots<1, 1>(x, 0, x, 0, count, &sum, 1);
    return sum;
  }

  [[gnu::target("avx2,fma,f16c")]] static float scale_and_find_largest(float* x, std::int64_t count,
                                                                       float factor) {
    return scalar_kernels::scale_and_find_largest(x, count, factor);
  }

  [[gnu::target("avx2,fma,f16c")]] static float exponentials(float* x, std::int64_t count, float largest) {
    __m256 const shift = _mm256_set1_ps(largest);
    __m256 low = _mm256_setzero_ps();
    __m256 high = _mm256_setzero_ps();
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      __m256 const first = exponential(_mm256_sub_ps(_mm256_loadu_ps(x + i), shift));
      __m256 const second = exponential(_mm256_sub_ps(_mm256_loadu_ps(x + i + half), shift));
      _mm256_storeu_ps(x + i, first);
      _mm256_storeu_ps(x + i + half, second);
      low = _mm256_add_ps(low, first);
      high = _mm256_add_ps(high, second);
    }
    alignas(32) float rest[lanes] = {};
    for (std::int64_t l = 0; l < count - i; ++l) {
      rest[l] = x[i + l] = scalar_exponential(x[i + l] - largest);
    }
    return total(_mm256_add_ps(low, _mm256_load_ps(rest)), _mm256_add_ps(high, _mm256_load_ps(rest + half)));
  }

  template <int Columns, class Element>
  [[gnu::target("avx2,fma,f16c")]] static void add_weighted(Element const* v, std::int64_t v_stride,
                                                            std::int64_t count, float const* p,
                                                            std::int64_t p_stride, float* sum,
                                                            std::int64_t sum_stride, std::int64_t width) {
    std::int64_t d = 0;
    for (; d + lanes <= width; d += lanes) {
      add_weighted_part<Columns, 2>(v + d, v_stride, count, p, p_stride, sum + d, sum_stride);
    }
    for (; d + half <= width; d += half) {
      add_weighted_part<Columns, 1>(v + d, v_stride, count, p, p_stride, sum + d, sum_stride);
    }
    scalar_kernels::add_weighted<Columns>(v + d, v_stride, count, p, p_stride, sum + d, sum_stride,
                                          width - d);
  }

  [[gnu::target("avx2,fma,f16c")]] static void gate(float const* gate, float const* up, float* out,
                                                    std::int64_t count) {
    __m256 const one = _mm256_set1_ps(1.0f);
    std::int64_t i = 0;
    for (; i + half <= count; i += half) {
      __m256 const g = _mm256_loadu_ps(gate + i);
      __m256 const e = exponential(_mm256_sub_ps(_mm256_setzero_ps(), g));
      __m256 const silu = _mm256_div_ps(g, _mm256_add_ps(one, e));
      _mm256_storeu_ps(out + i, _mm256_mul_ps(silu, _mm256_loadu_ps(up + i)));
    }
    scalar_kernels::gate(gate + i, up + i, out + i, count - i);
  }

 private:
  static constexpr int half = 8;

  /// sums[c][r] += the products of weight row r and activation row c, lane by lane.
  template <int Rows, int Columns, class Element>
  [[gnu::target("avx2,fma,f16c")]] [[gnu::always_inline]] static inline void add_products(
      Element const* w, std::int64_t w_stride, float const* x, std::int64_t x_stride, std::int64_t k,
      __m256 (&sums)[Columns][Rows][2]) {
    std::int64_t i = 0;
    for (; i + lanes <= k; i += lanes) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        __m256 const low = load(w + r * w_stride + i);
        __m256 const high = load(w + r * w_stride + i + half);
        // The next block of rows, a cache line at a time.
        if (i * static_cast<std::int64_t>(sizeof(Element)) % 64 == 0)
          __builtin_prefetch(w + (r + Rows) * w_stride + i);
#pragma GCC unroll 8
        for (int c = 0; c < Columns; ++c) {
          float const* const activation = x + c * x_stride + i;
          sums[c][r][0] = _mm256_fmadd_ps(low, _mm256_loadu_ps(activation), sums[c][r][0]);
          sums[c][r][1] = _mm256_fmadd_ps(high, _mm256_loadu_ps(activation + half), sums[c][r][1]);
        }
      }
    }
    if (i == k) return;
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        add_rest(w + r * w_stride + i, x + c * x_stride + i, k - i, sums[c][r][0], sums[c][r][1]);
      }
    }
  }

  [[gnu::target("avx2,fma,f16c")]] static __m256 load(float const* p) { return _mm256_loadu_ps(p); }
  [[gnu::target("avx2,fma,f16c")]] static __m256 load(bf16_t const* p) {
    __m128i const bits = _mm_loadu_si128(reinterpret_cast<__m128i const*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  [[gnu::target("avx2,fma,f16c")]] static __m256 load(f16_t const* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<__m128i const*>(p)));
  }

  template <class Element>
  [[gnu::target("avx2,fma,f16c")]] static void add_rest(Element const* w, float const* x, std::int64_t count,
                                                        __m256& low, __m256& high) {
    alignas(32) float weights[lanes] = {};
    alignas(32) float activations[lanes] = {};
    for (std::int64_t l = 0; l < count; ++l) {
      weights[l] = static_cast<float>(w[l]);
      activations[l] = x[l];
    }
    low = _mm256_fmadd_ps(_mm256_load_ps(weights), _mm256_load_ps(activations), low);
    high = _mm256_fmadd_ps(_mm256_load_ps(weights + half), _mm256_load_ps(activations + half), high);
  }

  [[gnu::target("avx2,fma,f16c")]] static float total(__m256 low, __m256 high) {
    __m256 const eight = _mm256_add_ps(low, high);
    __m128 const four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 const two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  [[gnu::target("avx2,fma,f16c")]] static float scalar_exponential(float x) {
    return _mm256_cvtss_f32(exponential(_mm256_set1_ps(x)));
  }

  [[gnu::target("avx2,fma,f16c")]] static __m256 exponential(__m256 x) {
    using constants = exponential_constants;
    x = _mm256_min_ps(_mm256_set1_ps(constants::highest), x);
    x = _mm256_max_ps(_mm256_set1_ps(constants::lowest), x);
    __m256 const shift = _mm256_set1_ps(constants::round_shift);
    __m256 const shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(constants::log2_e), shift);
    __m256 const n = _mm256_sub_ps(shifted, shift);
    __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-constants::ln2_high), x);
    r = _mm256_fmadd_ps(n, _mm256_set1_ps(-constants::ln2_low), r);
    __m256 sum = _mm256_set1_ps(constants::inverse_factorials[7]);
#pragma GCC unroll 8
    for (int i = 6; i >= 0; --i) {
      sum =
          _mm256_fmadd_ps(sum, r, _mm256_set1_ps(constants::inverse_factorials[static_cast<std::size_t>(i)]));
    }
    __m256i const offset = _mm256_set1_epi32(127 - std::bit_cast<std::int32_t>(constants::round_shift));
    __m256i const exponent = _mm256_add_epi32(_mm256_castps_si256(shifted), offset);
    return _mm256_mul_ps(sum, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
  }

  template <int Columns, int Parts, class Element>
  [[gnu::target("avx2,fma,f16c")]] static void add_weighted_part(Element const* v, std::int64_t v_stride,
                                                                 std::int64_t count, float const* p,
                                                                 std::int64_t p_stride, float* sum,
                                                                 std::int64_t sum_stride) {
    __m256 sums[Columns][Parts];
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int part = 0; part < Parts; ++part) {
        sums[c][part] = _mm256_loadu_ps(sum + c * sum_stride + part * half);
      }
    }
    for (std::int64_t i = 0; i < count; ++i) {
      __m256 values[Parts];
#pragma GCC unroll 8
      for (int part = 0; part < Parts; ++part) values[part] = load(v + i * v_stride + part * half);
#pragma GCC unroll 8
      for (int c = 0; c < Columns; ++c) {
        __m256 const weight = _mm256_set1_ps(p[c * p_stride + i]);
#pragma GCC unroll 8
        for (int part = 0; part < Parts; ++part) {
          sums[c][part] = _mm256_fmadd_ps(weight, values[part], sums[c][part]);
        }
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int part = 0; part < Parts; ++part) {
        _mm256_storeu_ps(sum + c * sum_stride + part * half, sums[c][part]);
      }
    }
  }
};

}  // namespace tenon::cpu

#endif
