// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tenon/checkpoint/upload_queue.hpp"
#include "tenon/core/dtype.hpp"

namespace tenon {

namespace detail {

/// The output function of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number
/// generators"): a counter in, 64 mixed bits out.
constexpr std::uint64_t mixed_bits(std::uint64_t counter) noexcept {
  std::uint64_t z = counter * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace detail

/// The bound of a uniform distribution whose standard deviation is 1 / sqrt(in_features).
inline float random_limit(std::int32_t in_features) noexcept {
  return std::sqrt(3.0f / static_cast<float>(in_features));
}

/// Plans filling `count` elements of device memory with values uniform in [-limit, limit): a function of seed
/// and index alone, whatever the number of threads.
template <class Target, backend B>
void add_random_values(Target* to, std::int64_t count, float limit, std::uint64_t seed,
                       upload_queue<B>& queue) {
  constexpr auto step = static_cast<std::int64_t>(upload_queue<B>::chunk_bytes / sizeof(Target));
  std::uint64_t const stream = detail::mixed_bits(seed + 1);
  for (std::int64_t first = 0; first < count; first += step) {
    std::int64_t const part = std::min(step, count - first);
    auto const fill = [=](upload_lane<B>& lane) {
      auto const values = lane.template target_scratch<Target>(static_cast<std::size_t>(part));
      float const scale = limit / 32768.0f;
      for (std::int64_t i = 0; i < part;
           i += 4) {  // four values of 16 bits a draw; chunks are multiples of 4
        std::uint64_t bits = detail::mixed_bits(stream + static_cast<std::uint64_t>((first + i) / 4));
        for (std::int64_t j = i; j < std::min(i + 4, part); ++j, bits >>= 16) {
          auto const value = static_cast<float>(static_cast<std::int16_t>(bits & 0xffffu)) * scale;
          values[static_cast<std::size_t>(j)] = round_to<Target>(value);
        }
      }
      lane.upload(to + first, std::as_bytes(values));
    };
    queue.add(static_cast<std::uint64_t>(part) * sizeof(Target), fill);
  }
}

}  // namespace tenon
