// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

#include "tenon/cpu/context.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tenon::benchmarks {

#if defined(__x86_64__)
/// The exclusive or of all words, read as fast as the processor reads: four streams of full registers.
[[gnu::target("avx512f")]] inline std::uint64_t read_wide(std::byte const* data, std::size_t bytes) {
  __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                     _mm512_setzero_si512()};
  for (std::size_t i = 0; i + 256 <= bytes; i += 256) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      sums[j] = _mm512_xor_si512(sums[j], _mm512_loadu_si512(data + i + 64 * j));
    }
  }
  alignas(64) std::uint64_t words[8];
  _mm512_store_si512(
      words, _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]), _mm512_xor_si512(sums[2], sums[3])));
  return words[0] ^ words[1] ^ words[2] ^ words[3] ^ words[4] ^ words[5] ^ words[6] ^ words[7];
}
#endif

inline std::uint64_t read_words(std::byte const* data, std::size_t bytes) {
  std::uint64_t sums[8] = {};
  for (std::size_t i = 0; i + 64 <= bytes; i += 64) {
    for (std::size_t j = 0; j < 8; ++j) {
      std::uint64_t word;
      std::memcpy(&word, data + i + 8 * j, 8);
      sums[j] ^= word;
    }
  }
  for (auto const sum : sums) sums[0] ^= sum;
  return sums[0];
}

/// Reads a block once with every thread of the context; returns a number that depends on all of it.
inline std::uint64_t read_stream(cpu::context& ctx, std::byte const* data, std::size_t bytes) {
  constexpr std::size_t part_bytes = std::size_t{1} << 20;
  std::atomic<std::uint64_t> all = 0;
  ctx.team().run(static_cast<std::int32_t>(bytes / part_bytes), [&](std::int32_t part, int) {
    auto const* const begin = data + static_cast<std::size_t>(part) * part_bytes;
#if defined(__x86_64__)
    if (ctx.instructions() == cpu::instruction_set::avx512) {
      all ^= read_wide(begin, part_bytes);
      return;
    }
#endif
    all ^= read_words(begin, part_bytes);
  });
  return all;
}

template <class F> double seconds(F const& f) {
  auto const begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The processor's name as the operating system tells it, for a figure's record.
inline std::string processor_name() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

}  // namespace tenon::benchmarks
