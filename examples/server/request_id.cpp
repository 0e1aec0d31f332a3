// SPDX-License-Identifier: Apache-2.0
#include "server/request_id.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>

namespace server {

namespace {

constexpr std::size_t longest = 128;

/// 128 random bits. They tell requests apart and are no secret.
std::string new_id() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device entropy;
    std::seed_seq seed{entropy(), entropy(), entropy(), entropy()};
    return std::mt19937_64{seed};
  }();
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id;
  for (int half = 0; half < 2; ++half) {
    auto bits = generator();
    for (int i = 0; i < 16; ++i, bits >>= 4) id += digits[bits & 15];
  }
  return id;
}

}  // namespace

std::string request_id_for(std::string_view given) {
  std::string id;
  std::ranges::copy_if(given, std::back_inserter(id), [](char c) { return c > 0x20 && c < 0x7f; });
  if (id.size() > longest) id.resize(longest);
  return id.empty() ? new_id() : id;
}

}  // namespace server
