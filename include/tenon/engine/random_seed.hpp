// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>

#include "tenon/core/steady_clock.hpp"

namespace tenon {
/// A seed that differs from run to run: the operating system's random bytes, or the clock where there are none.
inline std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  struct closing {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  if (std::unique_ptr<std::FILE, closing> const source{std::fopen("/dev/urandom", "rb")}) {
    if (std::fread(&seed, sizeof(seed), 1, source.get()) == 1) return seed;
  }
  return static_cast<std::uint64_t>(steady_nanoseconds());
}

/// A stream of seeds (Steele et al. 2014, SplitMix64): every request without a seed of its own takes the next.
class seed_stream {
 public:
  explicit seed_stream(std::uint64_t start) : state_{start} {}

  std::uint64_t operator()() noexcept {
    std::uint64_t z = (state_ += 0x9e37'79b9'7f4a'7c15u);
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebu;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace tenon
