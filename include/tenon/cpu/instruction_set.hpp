// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tenon::cpu {

/// Which machine code the kernels use, from the least to the most that a processor offers. All give the same
/// bits; they differ in speed.
enum class instruction_set { scalar, avx2, avx512 };

constexpr std::string_view name_of(instruction_set set) noexcept {
  switch (set) {
    case instruction_set::scalar:
      return "scalar";
    case instruction_set::avx2:
      return "avx2";
    case instruction_set::avx512:
      return "avx512";
  }
  return "?";
}

/// The best set that this processor and its operating system run.
inline instruction_set best_instruction_set() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    return instruction_set::avx512;
  }
  // Every processor with AVX2 and FMA has F16C, for which g++ 12 has no name here.
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return instruction_set::avx2;
#endif
  return instruction_set::scalar;
}

}  // namespace tenon::cpu
