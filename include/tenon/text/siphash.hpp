// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tenon {

/// The key of a siphash: 128 bits that an attacker does not know.
struct siphash_key {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// SipHash-2-4 (Aumasson and Bernstein 2012): a hash of texts that others choose, for which nobody without
/// the key can find two of equal value.
constexpr std::uint64_t siphash(std::string_view text, siphash_key key) noexcept {
  std::uint64_t a = key.low ^ 0x736f6d6570736575u;
  std::uint64_t b = key.high ^ 0x646f72616e646f6du;
  std::uint64_t c = key.low ^ 0x6c7967656e657261u;
  std::uint64_t d = key.high ^ 0x7465646279746573u;
  auto const rounds = [&](int count) {
    for (; count > 0; --count) {
      a += b, c += d;
      b = std::rotl(b, 13) ^ a, d = std::rotl(d, 16) ^ c;
      a = std::rotl(a, 32);
      c += b, a += d;
      b = std::rotl(b, 17) ^ c, d = std::rotl(d, 21) ^ a;
      c = std::rotl(c, 32);
    }
  };
  auto const word = [&](std::size_t begin, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i)
      value |= std::uint64_t{static_cast<unsigned char>(text[begin + i])} << (8 * i);
    return value;
  };
  auto const absorb = [&](std::uint64_t value) {
    d ^= value;
    rounds(2);
    a ^= value;
  };
  std::size_t const whole = text.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) absorb(word(i, 8));
  absorb(word(whole, text.size() - whole) | std::uint64_t{text.size()} << 56);
  c ^= 0xff;
  rounds(4);
  return a ^ b ^ c ^ d;
}

}  // namespace tenon
