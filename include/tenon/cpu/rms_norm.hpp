// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "tenon/core/tensor_view.hpp"
#include "tenon/cpu/context.hpp"
#include "tenon/cpu/kernels.hpp"

namespace tenon::cpu {

/// Rounds x[i] to Element and widens it again.
template <class Kernels, class Element> void round_in_place(float* x, std::int64_t count) {
  if constexpr (!std::is_same_v<Element, float>) {
    std::array<Element, 256> rounded;
    for (std::int64_t i = 0; i < count; i += 256) {
      auto const part = std::min<std::int64_t>(256, count - i);
      Kernels::round(x + i, rounded.data(), part);
      Kernels::widen(rounded.data(), x + i, part);
    }
  }
}

/// 1 / sqrt(mean(x^2) + epsilon).
template <class Kernels> float inverse_rms(float const* x, std::int64_t count, float epsilon) {
  return 1.0f / std::sqrt(Kernels::sum_of_squares(x, count) / static_cast<float>(count) + epsilon);
}

/// RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467) with the rounding of transformers' Qwen2RMSNorm and
/// Qwen3RMSNorm: normalised in float, rounded to Element, times the weight, rounded to Element. `out` holds
/// the rounded values as floats.
template <class Kernels, class Element>
void rms_norm_row(float const* x, vector_view<float const> weight, float epsilon, float* out) {
  std::int64_t const count = weight.extent(0);
  float const factor = inverse_rms<Kernels>(x, count, epsilon);
  for (std::int64_t i = 0; i < count; ++i) out[i] = x[i] * factor;
  round_in_place<Kernels, Element>(out, count);
  for (std::int64_t i = 0; i < count; ++i) out[i] *= weight.data[i];
  round_in_place<Kernels, Element>(out, count);
}

/// Calls f(kernels, row) for every row in [0, rows): on all threads where `elements` a row make that worth a
/// fork and join.
template <class F> void for_each_row(context& ctx, std::int64_t rows, std::int64_t elements, F const& f) {
  constexpr std::int64_t worthwhile = 1
                                      << 13;  // elements that one thread passes over in a microsecond or two
  auto const rows_a_part = std::max<std::int64_t>(1, worthwhile / std::max<std::int64_t>(1, elements));
  auto const parts = static_cast<std::int32_t>((rows + rows_a_part - 1) / rows_a_part);
  with_kernels(ctx.instructions(), [&](auto kernels) {
    ctx.team().run(parts, [&](std::int32_t part, int) {
      auto const begin = part * rows_a_part;
      auto const end = std::min(rows, begin + rows_a_part);
      for (auto row = begin; row < end; ++row) f(kernels, row);
    });
  });
}

/// RMSNorm of x[token(i), :] into row i of the context's input scratch, for i < rows.
template <class Element, class Token>
float const* rms_norm_rows(context& ctx, matrix_view<float const> x, std::int64_t rows, Token const& token,
                           vector_view<float const> weight, float epsilon) {
  std::int64_t const width = weight.extent(0);
  float* const out = ctx.input_scratch(rows * width);
  for_each_row(ctx, rows, width, [&](auto kernels, std::int64_t row) {
    rms_norm_row<decltype(kernels), Element>(x[token(row)], weight, epsilon, out + row * width);
  });
  return out;
}

}  // namespace tenon::cpu
