// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tenon/cpu/instruction_set.hpp"
#include "tenon/cpu/kernels_avx2.hpp"
#include "tenon/cpu/kernels_avx512.hpp"
#include "tenon/cpu/kernels_scalar.hpp"

namespace tenon::cpu {

/// Calls f(kernels) with the kernels of `set`: `scalar_kernels`, `avx2_kernels` or `avx512_kernels`. The
/// choice is made once an op, not once a row.
template <class F> void with_kernels([[maybe_unused]] instruction_set set, F const& f) {
#if defined(__x86_64__)
  if (set == instruction_set::avx512) return f(avx512_kernels{});
  if (set == instruction_set::avx2) return f(avx2_kernels{});
#endif
  f(scalar_kernels{});
}

}  // namespace tenon::cpu
