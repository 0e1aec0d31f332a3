// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "tenon/checkpoint/safetensors.hpp"
#include "tenon/core/error.hpp"

/// Any bytes as a safetensors file and as an index: an error or tensors that tile the buffer, nothing else.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::span const input{data, size};
  try {
    std::uint64_t end = 0;
    for (auto const& tensor : tenon::parse_safetensors(std::as_bytes(input), "input")) {
      if (tensor.offset != end || tensor.bytes > size) std::abort();
      end += tensor.bytes;
    }
    if (end > size) std::abort();
  } catch (tenon::error const&) {
  }
  try {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    for (auto const& [name, shard] : tenon::parse_safetensors_index(text, "input")) {
      if (shard.find('/') != std::string::npos || shard.empty()) std::abort();
    }
  } catch (tenon::error const&) {
  }
  return 0;
}
