// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/checkpoint/weight_source.hpp"
#include "tenon/core/dtype.hpp"

namespace tenon_test {

struct stored_tensor {
  std::string name;
  tenon::dtype type = tenon::dtype::f32;
  std::vector<std::int64_t> shape;
  std::string bytes;
};

/// A tensor of values, rounded to `type`, which is a float type of at most 32 bits.
inline stored_tensor make_tensor(std::string name, tenon::dtype type, std::vector<std::int64_t> shape,
                                 std::span<float const> values) {
  stored_tensor tensor{std::move(name), type, std::move(shape), {}};
  auto const append = [&](auto value) {
    tensor.bytes.append(reinterpret_cast<char const*>(&value), sizeof value);
  };
  for (float value : values) {
    if (type == tenon::dtype::bf16) {
      append(tenon::bf16_t::from(value));
    } else if (type == tenon::dtype::f16) {
      append(tenon::f16_t::from(value));
    } else {
      append(value);
    }
  }
  return tensor;
}

/// A safetensors file of this header and buffer, with the right length word.
inline std::string safetensors_file(std::string_view header, std::string_view buffer) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>((std::uint64_t{header.size()} >> (8 * i)) & 0xffu);
  return file.append(header).append(buffer);
}

/// A safetensors file of these tensors, in their order.
inline std::string safetensors_file(std::span<stored_tensor const> tensors) {
  std::string header = R"({"__metadata__":{"format":"pt"})";
  std::string buffer;
  for (auto const& tensor : tensors) {
    std::size_t const begin = buffer.size();
    buffer += tensor.bytes;
    header += ",\"" + tensor.name + "\":{\"dtype\":\"" + std::string{tenon::name_of(tensor.type)} +
              "\",\"shape\":" + tenon::spelled(std::span{tensor.shape}) + ",\"data_offsets\":[" +
              std::to_string(begin) + "," + std::to_string(buffer.size()) + "]}";
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return safetensors_file(header, buffer);
}

}  // namespace tenon_test
