// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdint>

#include "tenon/core/dtype.hpp"
#include "tenon/cpu/kernels_scalar.hpp"

namespace tenon::cpu {

/// The kernels in AVX-512 (F, BW and VL): one register holds all lanes. What each function computes, and in
/// which order, is said at `scalar_kernels`.
///
/// Only functions that carry the target attribute use these instructions, so that the header compiles for any
/// x86-64 and the choice is made at run time. Zero-masking forms with a full mask stand in for the plain ones
/// whose undefined pass-through g++ 12 reports as uninitialised.
struct avx512_kernels {
  static constexpr int weight_rows = 4;
  static constexpr int activation_rows = 6;

  template <class Element>
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void widen(Element const* in, float* out,
                                                                 std::int64_t count) {
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) _mm512_storeu_ps(out + i, load(in + i));
    if (i < count) _mm512_mask_storeu_ps(out + i, mask_of(count - i), load(in + i, mask_of(count - i)));
  }

  template <class Element>
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void round(float const* in, Element* out,
                                                                 std::int64_t count) {
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) store(out + i, _mm512_loadu_ps(in + i), full);
    if (i < count) store(out + i, load(in + i, mask_of(count - i)), mask_of(count - i));
  }

  template <int Rows, int Columns, class Element>
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void dots(Element const* w, std::int64_t w_stride,
                                                                float const* x, std::int64_t x_stride,
                                                                std::int64_t k, float* out,
                                                                std::int64_t out_stride) {
    __m512 sums[Columns][Rows];
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) sums[c][r] = _mm512_setzero_ps();
    }
    add_products<Rows, Columns>(w, w_stride, x, x_stride, k, sums);
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int r = 0; r + 4 <= Rows; r += 4) store_totals(sums[c] + r, out + c * out_stride + r);
#pragma GCC unroll 8
      for (int r = Rows / 4 * 4; r < Rows; ++r) out[c * out_stride + r] = total(sums[c][r]);
    }
  }

  template <int Rows, int Columns, class Element>
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void add_dots(Element const* w, std::int64_t w_stride,
                                                                    float const* x, std::int64_t x_stride,
                                                                    std::int64_t k, float* lane_sums) {
    __m512 sums[Columns][Rows];
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) sums[c][r] = _mm512_loadu_ps(lane_sums + (c * Rows + r) * lanes);
    }
    add_products<Rows, Columns>(w, w_stride, x, x_stride, k, sums);
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) _mm512_storeu_ps(lane_sums + (c * Rows + r) * lanes, sums[c][r]);
    }
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void totals(float const* lane_sums, std::int64_t count,
                                                                  float* out) {
    std::int64_t i = 0;
    for (; i + 4 <= count; i += 4) {
      __m512 sums[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) sums[j] = _mm512_loadu_ps(lane_sums + (i + j) * lanes);
      store_totals(sums, out + i);
    }
    // At most three; counted in int, or g++ 12 warns of more rounds than memory has.
    for (int rest = static_cast<int>(count - i); rest > 0; --rest, ++i) {
      out[i] = total(_mm512_loadu_ps(lane_sums + i * lanes));
    }
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static float sum_of_squares(float const* x,
                                                                           std::int64_t count) {
    __m512 sums = _mm512_setzero_ps();
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      __m512 const value = _mm512_loadu_ps(x + i);
      sums = _mm512_fmadd_ps(value, value, sums);
    }
    if (i < count) {
      __m512 const value = load(x + i, mask_of(count - i));
      sums = _mm512_fmadd_ps(value, value, sums);
    }
    return total(sums);
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static float scale_and_find_largest(float* x,
                                                                                   std::int64_t count,
                                                                                   float factor) {
    __m512 const factors = _mm512_set1_ps(factor);
    __m512 largest = _mm512_set1_ps(x[0] * factor);
    for (std::int64_t i = 0; i < count; i += lanes) {
      __mmask16 const mask = mask_of(count - i);
      __m512 const scaled = _mm512_maskz_mul_ps(mask, load(x + i, mask), factors);
      _mm512_mask_storeu_ps(x + i, mask, scaled);
      largest = _mm512_mask_max_ps(largest, mask, largest, scaled);
    }
    return largest_of(largest);
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static float exponentials(float* x, std::int64_t count,
                                                                         float largest) {
    __m512 const shift = _mm512_set1_ps(largest);
    __m512 sums = _mm512_setzero_ps();
    for (std::int64_t i = 0; i < count; i += lanes) {
      __mmask16 const mask = mask_of(count - i);
      __m512 const value =
          _mm512_maskz_mov_ps(mask, exponential(_mm512_maskz_sub_ps(mask, load(x + i, mask), shift)));
      _mm512_mask_storeu_ps(x + i, mask, value);
      sums = _mm512_maskz_add_ps(full, sums, value);
    }
    return total(sums);
  }

  template <int Columns, class Element>
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void add_weighted(
      Element const* v, std::int64_t v_stride, std::int64_t count, float const* p, std::int64_t p_stride,
      float* sum, std::int64_t sum_stride, std::int64_t width) {
    std::int64_t d = 0;
    for (; d + 2 * lanes <= width; d += 2 * lanes) {
      add_weighted_part<Columns, 2>(v + d, v_stride, count, p, p_stride, sum + d, sum_stride, full);
    }
    for (; d < width; d += lanes) {
      add_weighted_part<Columns, 1>(v + d, v_stride, count, p, p_stride, sum + d, sum_stride,
                                    mask_of(width - d));
    }
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void gate(float const* gate, float const* up,
                                                                float* out, std::int64_t count) {
    __m512 const one = _mm512_set1_ps(1.0f);
    for (std::int64_t i = 0; i < count; i += lanes) {
      __mmask16 const mask = mask_of(count - i);
      __m512 const g = load(gate + i, mask);
      __m512 const negative = _mm512_maskz_sub_ps(full, _mm512_setzero_ps(), g);
      __m512 const silu = _mm512_maskz_div_ps(full, g, _mm512_maskz_add_ps(full, one, exponential(negative)));
      _mm512_mask_storeu_ps(out + i, mask, _mm512_maskz_mul_ps(full, silu, load(up + i, mask)));
    }
  }

 private:
  static constexpr __mmask16 full = 0xffff;

  /// sums[c][r] += the products of weight row r and activation row c, lane by lane.
  template <int Rows, int Columns, class Element>
  [[gnu::target("avx512f,avx512bw,avx512vl")]] [[gnu::always_inline]] static inline void add_products(
      Element const* w, std::int64_t w_stride, float const* x, std::int64_t x_stride, std::int64_t k,
      __m512 (&sums)[Columns][Rows]) {
    std::int64_t i = 0;
    for (; i + lanes <= k; i += lanes) {
      __m512 weights[Rows];
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        weights[r] = load(w + r * w_stride + i);
        // The next block of rows, a cache line at a time.
        if (i * static_cast<std::int64_t>(sizeof(Element)) % 64 == 0)
          __builtin_prefetch(w + (r + Rows) * w_stride + i);
      }
#pragma GCC unroll 8
      for (int c = 0; c < Columns; ++c) {
        __m512 const activation = _mm512_loadu_ps(x + c * x_stride + i);
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) sums[c][r] = _mm512_fmadd_ps(weights[r], activation, sums[c][r]);
      }
    }
    if (i == k) return;
    __mmask16 const rest = mask_of(k - i);
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
      __m512 const activation = load(x + c * x_stride + i, rest);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        sums[c][r] = _mm512_fmadd_ps(load(w + r * w_stride + i, rest), activation, sums[c][r]);
      }
    }
  }

  static __mmask16 mask_of(std::int64_t count) noexcept {
    return count >= lanes ? full : static_cast<__mmask16>((1u << count) - 1u);
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static __m512 load(float const* p) {
    return _mm512_loadu_ps(p);
  }
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static __m512 load(bf16_t const* p) {
    return widened_bf16(_mm256_loadu_si256(reinterpret_cast<__m256i const*>(p)));
  }
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static __m512 load(f16_t const* p) {
    return _mm512_maskz_cvtph_ps(full, _mm256_loadu_si256(reinterpret_cast<__m256i const*>(p)));
  }
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static __m512 load(float const* p, __mmask16 mask) {
    return _mm512_maskz_loadu_ps(mask, p);
  }
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static __m512 load(bf16_t const* p, __mmask16 mask) {
    return widened_bf16(_mm256_maskz_loadu_epi16(mask, p));
  }
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static __m512 load(f16_t const* p, __mmask16 mask) {
    return _mm512_maskz_cvtph_ps(full, _mm256_maskz_loadu_epi16(mask, p));
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static __m512 widened_bf16(__m256i bits) {
    return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(full, _mm512_maskz_cvtepu16_epi32(full, bits), 16));
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void store(float* p, __m512 value, __mmask16 mask) {
    _mm512_mask_storeu_ps(p, mask, value);
  }
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void store(f16_t* p, __m512 value, __mmask16 mask) {
    _mm256_mask_storeu_epi16(p, mask, _mm512_maskz_cvtps_ph(full, value, _MM_FROUND_TO_NEAREST_INT));
  }
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void store(bf16_t* p, __m512 value, __mmask16 mask) {
    __m512i const bits = _mm512_castps_si512(value);
    __m512i const high = _mm512_maskz_srli_epi32(full, bits, 16);
    __m512i const odd = _mm512_maskz_and_epi32(full, high, _mm512_set1_epi32(1));
    __m512i const bias = _mm512_maskz_add_epi32(full, odd, _mm512_set1_epi32(0x7fff));
    __m512i const rounded = _mm512_maskz_srli_epi32(full, _mm512_maskz_add_epi32(full, bits, bias), 16);
    __m512i const quiet = _mm512_maskz_or_epi32(full, high, _mm512_set1_epi32(0x40));
    __mmask16 const nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    __m512i const result = _mm512_mask_mov_epi32(rounded, nan, quiet);
    _mm256_mask_storeu_epi16(p, mask, _mm512_maskz_cvtepi32_epi16(full, result));
  }

  template <int Index> [[gnu::target("avx512f,avx512bw,avx512vl")]] static __m256 half(__m512 values) {
    return _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xf, _mm512_castps_pd(values), Index));
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static float total(__m512 sums) {
    __m256 const eight = _mm256_add_ps(half<0>(sums), half<1>(sums));
    __m128 const four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 const two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  /// out[i] = total(sums[i]) for four registers at a time: the same additions, side by side.
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void store_totals(__m512 const* sums, float* out) {
    __m512 const eight_each[2] = {upper_and_lower(sums[0], sums[1]), upper_and_lower(sums[2], sums[3])};
    __m512 const four_each =
        _mm512_maskz_add_ps(full, _mm512_maskz_shuffle_f32x4(full, eight_each[0], eight_each[1], 0x88),
                            _mm512_maskz_shuffle_f32x4(full, eight_each[0], eight_each[1], 0xdd));
    __m512 const two_each =
        _mm512_maskz_add_ps(full, four_each, _mm512_maskz_permute_ps(full, four_each, 0x4e));
    __m512 const one_each =
        _mm512_maskz_add_ps(full, two_each, _mm512_maskz_permute_ps(full, two_each, 0xb1));
    __m512i const firsts = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    _mm512_mask_storeu_ps(out, 0xf, _mm512_maskz_permutexvar_ps(full, firsts, one_each));
  }

  /// [lanes 0 to 7 of a, plus lanes 8 to 15 of a; the same of b].
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static __m512 upper_and_lower(__m512 a, __m512 b) {
    return _mm512_maskz_add_ps(full, _mm512_maskz_shuffle_f32x4(full, a, b, 0x44),
                               _mm512_maskz_shuffle_f32x4(full, a, b, 0xee));
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static float largest_of(__m512 values) {
    __m256 const eight = _mm256_max_ps(half<0>(values), half<1>(values));
    __m128 const four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 const two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }

  [[gnu::target("avx512f,avx512bw,avx512vl")]] static __m512 exponential(__m512 x) {
    using constants = exponential_constants;
    x = _mm512_maskz_min_ps(full, _mm512_set1_ps(constants::highest), x);
    x = _mm512_maskz_max_ps(full, _mm512_set1_ps(constants::lowest), x);
    __m512 const shift = _mm512_set1_ps(constants::round_shift);
    __m512 const shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(constants::log2_e), shift);
    __m512 const n = _mm512_maskz_sub_ps(full, shifted, shift);
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-constants::ln2_high), x);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(-constants::ln2_low), r);
    __m512 sum = _mm512_set1_ps(constants::inverse_factorials[7]);
#pragma GCC unroll 8
    for (int i = 6; i >= 0; --i) {
      sum =
          _mm512_fmadd_ps(sum, r, _mm512_set1_ps(constants::inverse_factorials[static_cast<std::size_t>(i)]));
    }
    __m512i const offset = _mm512_set1_epi32(127 - std::bit_cast<std::int32_t>(constants::round_shift));
    __m512i const exponent = _mm512_maskz_add_epi32(full, _mm512_castps_si512(shifted), offset);
    return _mm512_maskz_mul_ps(full, sum, _mm512_castsi512_ps(_mm512_maskz_slli_epi32(full, exponent, 23)));
  }

  template <int Columns, int Parts, class Element>
  [[gnu::target("avx512f,avx512bw,avx512vl")]] static void add_weighted_part(
      Element const* v, std::int64_t v_stride, std::int64_t count, float const* p, std::int64_t p_stride,
      float* sum, std::int64_t sum_stride, __mmask16 mask) {
    __m512 sums[Columns][Parts];
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int part = 0; part < Parts; ++part) {
        sums[c][part] = load(sum + c * sum_stride + part * lanes, mask);
      }
    }
    for (std::int64_t i = 0; i < count; ++i) {
      __m512 values[Parts];
#pragma GCC unroll 8
      for (int part = 0; part < Parts; ++part) values[part] = load(v + i * v_stride + part * lanes, mask);
#pragma GCC unroll 8
      for (int c = 0; c < Columns; ++c) {
        __m512 const weight = _mm512_set1_ps(p[c * p_stride + i]);
#pragma GCC unroll 8
        for (int part = 0; part < Parts; ++part) {
          sums[c][part] = _mm512_fmadd_ps(weight, values[part], sums[c][part]);
        }
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < Columns; ++c) {
#pragma GCC unroll 8
      for (int part = 0; part < Parts; ++part) {
        _mm512_mask_storeu_ps(sum + c * sum_stride + part * lanes, mask, sums[c][part]);
      }
    }
  }
};

}  // namespace tenon::cpu

#endif
