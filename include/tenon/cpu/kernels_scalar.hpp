// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "tenon/core/dtype.hpp"

namespace tenon::cpu {

/// Every sum of a kernel runs in this many lanes: lane l adds the elements l, l + 16, l + 32, ... in order
/// with fused multiply-add, then the upper half of the lanes is added to the lower until one is left. A short
/// last group is filled with zeros. The order depends on nothing else.
inline constexpr int lanes = 16;

/// e^x as 2^n * e^r with n = round(x / ln 2) and the Taylor polynomial of degree 7: |r| <= 0.3466 leaves an
/// error of 5e-9. Arguments are clamped to [lowest, highest], where results are normal numbers.
struct exponential_constants {
  static constexpr float lowest = -87.0f;
  static constexpr float highest = 88.0f;
  static constexpr float log2_e = 1.44269504f;
  static constexpr float round_shift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  static constexpr float ln2_high = 0.693359375f;    // 9 bits: exact times n
  static constexpr float ln2_low = -2.12194440e-4f;
  static constexpr std::array<float, 8> inverse_factorials = {1.0f,      1.0f,       1.0f / 2,   1.0f / 6,
                                                              1.0f / 24, 1.0f / 120, 1.0f / 720, 1.0f / 5040};
};

/// The kernels in portable C++, and what each computes. A processor without fused multiply-add emulates it,
/// so that bits agree everywhere.
struct scalar_kernels {
  static constexpr int weight_rows = 4;      ///< the largest block of `dots`
  static constexpr int activation_rows = 2;  ///< the largest block of `dots`

  /// out[i] = in[i], exactly.
  template <class Element> static void widen(Element const* in, float* out, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i]);
  }

  /// out[i] = in[i], rounded to nearest, ties to even.
  template <class Element> static void round(float const* in, Element* out, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = round_to<Element>(in[i]);
  }

  /// out[c * out_stride + r] = sum over i < k of w[r * w_stride + i] * x[c * x_stride + i], for r < Rows and
  /// c < Columns.
  template <int Rows, int Columns, class Element>
  static void dots(Element const* w, std::int64_t w_stride, float const* x, std::int64_t x_stride,
                   std::int64_t k, float* out, std::int64_t out_stride) {
    for (int c = 0; c < Columns; ++c) {
      for (int r = 0; r < Rows; ++r) {
        out[c * out_stride + r] = dot(w + r * w_stride, x + c * x_stride, k);
      }
    }
  }

  /// The sums of `dots` before their lanes are added up: lane_sums[c][r][lane] += the products of that lane.
  /// Any multiple of `lanes` of the elements may be added at a time, and at last the rest.
  template <int Rows, int Columns, class Element>
  static void add_dots(Element const* w, std::int64_t w_stride, float const* x, std::int64_t x_stride,
                       std::int64_t k, float* lane_sums) {
    for (int c = 0; c < Columns; ++c) {
      for (int r = 0; r < Rows; ++r) {
        add_products(w + r * w_stride, x + c * x_stride, k, lane_sums + (c * Rows + r) * lanes);
      }
    }
  }

  /// out[i] = the sum over the lanes of lane_sums[i].
  static void totals(float const* lane_sums, std::int64_t count, float* out) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = total(lane_sums + i * lanes);
  }

  /// The sum of x[i] * x[i].
  static float sum_of_squares(float const* x, std::int64_t count) { return dot(x, x, count); }

  /// x[i] *= factor; returns the largest. count > 0.
  static float scale_and_find_largest(float* x, std::int64_t count, float factor) {
    float largest = x[0] * factor;
    for (std::int64_t i = 0; i < count; ++i) {
      x[i] *= factor;
      largest = std::max(largest, x[i]);
    }
    return largest;
  }

  /// x[i] = e^(x[i] - largest); returns their sum.
  static float exponentials(float* x, std::int64_t count, float largest) {
    std::array<float, lanes> sums{};
    for (std::int64_t i = 0; i < count; ++i) {
      x[i] = exponential(x[i] - largest);
      sums[static_cast<std::size_t>(i % lanes)] += x[i];
    }
    return total(sums.data());
  }

  /// sum[c * sum_stride + d] += sum over i < count, in that order, of p[c * p_stride + i] *
  /// v[i * v_stride + d], for c < Columns and d < width.
  template <int Columns, class Element>
  static void add_weighted(Element const* v, std::int64_t v_stride, std::int64_t count, float const* p,
                           std::int64_t p_stride, float* sum, std::int64_t sum_stride, std::int64_t width) {
    for (int c = 0; c < Columns; ++c) {
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t d = 0; d < width; ++d) {
          auto& element = sum[c * sum_stride + d];
          element = std::fma(p[c * p_stride + i], static_cast<float>(v[i * v_stride + d]), element);
        }
      }
    }
  }

  /// out[i] = silu(gate[i]) * up[i] with silu(g) = g / (1 + e^-g). `out` may be `gate`.
  static void gate(float const* gate, float const* up, float* out, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      out[i] = gate[i] / (1.0f + exponential(-gate[i])) * up[i];
    }
  }

  static float exponential(float x) {
    using constants = exponential_constants;
    x = constants::highest < x ? constants::highest : x;  // so written, NaN stays NaN
    x = constants::lowest > x ? constants::lowest : x;
    float const shifted = std::fma(x, constants::log2_e, constants::round_shift);
    float const n = shifted - constants::round_shift;
    float r = std::fma(n, -constants::ln2_high, x);
    r = std::fma(n, -constants::ln2_low, r);
    float sum = constants::inverse_factorials[7];
    for (std::size_t i = 7; i-- > 0;) sum = std::fma(sum, r, constants::inverse_factorials[i]);
    auto const exponent =
        std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(constants::round_shift) + 127u;
    return sum * std::bit_cast<float>(exponent << 23);
  }

 private:
  template <class Element> static float dot(Element const* w, float const* x, std::int64_t k) {
    std::array<float, lanes> sums{};
    add_products(w, x, k, sums.data());
    return total(sums.data());
  }

  template <class Element>
  static void add_products(Element const* w, float const* x, std::int64_t k, float* sums) {
    for (std::int64_t i = 0; i < k; i += lanes) {
      auto const group = std::min<std::int64_t>(lanes, k - i);
      for (std::int64_t l = 0; l < group; ++l) {
        sums[l] = std::fma(static_cast<float>(w[i + l]), x[i + l], sums[l]);
      }
    }
  }

  static float total(float const* lane_sums) {
    std::array<float, lanes> sums;
    std::copy_n(lane_sums, lanes, sums.begin());
    for (std::size_t half = lanes / 2; half > 0; half /= 2) {
      for (std::size_t l = 0; l < half; ++l) sums[l] += sums[l + half];
    }
    return sums[0];
  }
};

}  // namespace tenon::cpu
