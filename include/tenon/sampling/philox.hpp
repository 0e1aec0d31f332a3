// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace tenon {

/// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011):
/// four random words as a pure function of a counter and a key. Nothing is carried from one call to the next,
/// so a draw cannot depend on what ran before it or beside it.
constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key) noexcept {
  constexpr std::uint64_t multiplier_0 = 0xD2511F53u;
  constexpr std::uint64_t multiplier_2 = 0xCD9E8D57u;
  constexpr std::uint32_t golden_ratio = 0x9E3779B9u;
  constexpr std::uint32_t root_of_three_less_one = 0xBB67AE85u;
  for (int round = 0; round < 10; ++round) {
    std::uint64_t const product_0 = multiplier_0 * counter[0];
    std::uint64_t const product_2 = multiplier_2 * counter[2];
    counter = {static_cast<std::uint32_t>(product_2 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product_2),
               static_cast<std::uint32_t>(product_0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product_0)};
    key[0] += golden_ratio;
    key[1] += root_of_three_less_one;
  }
  return counter;
}

/// A number in [0, 1), a multiple of 2^-53, for the id at `position` of a request's `choice`.
constexpr double uniform_draw(std::uint64_t seed, std::int32_t choice, std::int32_t position) noexcept {
  auto const words =
      philox4x32({static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(choice), 0, 0},
                 {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  std::uint64_t const bits = (std::uint64_t{words[1]} << 32) | words[0];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace tenon
