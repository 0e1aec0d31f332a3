// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tenon/checkpoint/json_fields.hpp"
#include "tenon/checkpoint/parse_json.hpp"
#include "tenon/checkpoint/quoted_name.hpp"
#include "tenon/checkpoint/weight_source.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/error.hpp"

namespace tenon {

/// Bytes before the JSON header: its length, little endian.
inline constexpr std::uint64_t safetensors_prefix_bytes = 8;

/// No header of a real checkpoint comes near (the format's own reader has the same limit).
inline constexpr std::uint64_t safetensors_header_limit = 100'000'000;

namespace detail {

inline constexpr std::size_t most_extents = 8;

inline std::uint64_t bytes_of(tensor_info const& tensor, std::string const& where) {
  try {
    checked_size bytes = size_of(tensor.type);
    for (auto extent : tensor.shape) bytes *= extent;
    return bytes.value();
  } catch (checked_size::overflow_error const&) {
    throw load_error{
        where, "tensor " + quoted_name(tensor.name) + ": " + spelled(tensor) + " has more bytes than 2^64"};
  }
}

/// {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}
inline tensor_info tensor_entry(std::string_view name, boost::json::value const& entry,
                                std::string const& where) {
  std::string const about = "tensor " + quoted_name(name) + ": ";
  if (!entry.is_object()) throw load_error{where, about + "expected an object"};
  json_fields const fields{entry.get_object(), where, {}, about};
  constexpr value_range<std::int64_t> any_size{.least = 0};

  tensor_info tensor;
  tensor.name = name;
  auto const type = fields.required("dtype", fields.string("dtype"));
  auto const known = dtype_named(type);
  if (!known) throw load_error{where, about + "dtype " + quoted_name(type) + " is unknown"};
  tensor.type = *known;

  for (auto const* key : {"shape", "data_offsets"}) {
    auto const* list = fields.find(key);
    if (list == nullptr) fields.missing(key);
    if (!list->is_array()) fields.wrong(key, "an array", *list);
  }
  tensor.shape = fields.integers("shape", any_size);
  if (tensor.shape.size() > most_extents) {
    fields.wrong("shape", "at most " + std::to_string(most_extents) + " extents", *fields.find("shape"));
  }
  tensor.bytes = bytes_of(tensor, where);

  auto const range = fields.integers("data_offsets", any_size);
  if (range.size() != 2 || range[1] < range[0]) {
    fields.wrong("data_offsets", "[begin, end] with begin <= end", *fields.find("data_offsets"));
  }
  tensor.offset = static_cast<std::uint64_t>(range[0]);
  auto const length = static_cast<std::uint64_t>(range[1] - range[0]);
  if (length != tensor.bytes) {
    throw load_error{where, about + "expected " + std::to_string(tensor.bytes) + " bytes for " +
                                spelled(tensor) + ", found data_offsets " + spelled(std::span{range}) +
                                " of " + std::to_string(length)};
  }
  return tensor;
}

/// Sorted by offset, every tensor begins where the one before ends, and the last ends with the buffer.
inline void check_tiling(std::vector<tensor_info>& tensors, std::uint64_t buffer_bytes,
                         std::string const& where) {
  std::sort(tensors.begin(), tensors.end(), [](tensor_info const& a, tensor_info const& b) {
    return std::tie(a.offset, a.bytes, a.name) < std::tie(b.offset, b.bytes, b.name);
  });
  std::uint64_t end = 0;
  for (auto const& tensor : tensors) {
    if (tensor.offset != end) {
      throw load_error{where, "tensor " + quoted_name(tensor.name) + ": expected to begin at byte " +
                                  std::to_string(end) + " of the buffer, found " +
                                  std::to_string(tensor.offset) +
                                  (tensor.offset < end ? " (overlap)" : " (hole)")};
    }
    end += tensor.bytes;  // no overflow: begin and end were both below 2^63
  }
  if (end != buffer_bytes) {
    throw load_error{where, "expected tensors of " + std::to_string(end) +
                                " bytes to fill the buffer, found " + std::to_string(buffer_bytes) +
                                " bytes in the file (" +
                                (end > buffer_bytes ? "truncated" : "trailing bytes") + ")"};
  }
}

}  // namespace detail

/// The header's length as the first eight bytes of a file of `file_bytes` bytes give it, checked before
/// anything is allocated by it. `prefix` is shorter only if the file is.
inline std::uint64_t safetensors_header_bytes(std::span<std::byte const> prefix, std::uint64_t file_bytes,
                                              std::string const& where) {
  if (prefix.size() < safetensors_prefix_bytes) {
    throw load_error{where, "expected at least 8 bytes, found " + std::to_string(file_bytes)};
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < safetensors_prefix_bytes; ++i) {
    length |= std::to_integer<std::uint64_t>(prefix[i]) << (8 * i);
  }
  if (length > safetensors_header_limit) {
    throw load_error{where, "expected a header of at most " + std::to_string(safetensors_header_limit) +
                                " bytes, found a length of " + std::to_string(length)};
  }
  if (length > file_bytes - safetensors_prefix_bytes) {
    throw load_error{where, "expected a header of " + std::to_string(length) + " bytes, found a file of " +
                                std::to_string(file_bytes) + " (truncated)"};
  }
  return length;
}

/// The tensors that a safetensors header names, sorted by offset; offsets count from the first byte after
/// the header. The rules of the safetensors format hold: strict JSON that begins with `{`; types known; byte
/// ranges equal to shape times type; the buffer of `buffer_bytes` bytes tiled without hole or overlap;
/// `__metadata__` maps strings to strings.
///
/// Throws load_error that names `where` and the tensor.
inline std::vector<tensor_info> parse_safetensors_header(std::string_view header, std::uint64_t buffer_bytes,
                                                         std::string const& where) {
  if (header.empty() || header.front() != '{') {
    throw load_error{where, header.empty() ? "expected a header that begins with '{', found an empty one"
                                           : "expected a header that begins with '{', found byte " +
                                                 std::to_string(static_cast<unsigned char>(header.front()))};
  }
  auto const root = parse_json(header, where);
  std::vector<tensor_info> tensors;
  tensors.reserve(root.get_object().size());
  for (auto const& [name, entry] : root.get_object()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) throw load_error{where, "key '__metadata__': expected an object"};
      json_fields const metadata{entry.get_object(), where, "__metadata__."};
      for (auto const& [key, value] : entry.get_object()) {
        if (!value.is_string()) metadata.wrong(key, "a string", value);
      }
      continue;
    }
    tensors.push_back(detail::tensor_entry(name, entry, where));
  }
  detail::check_tiling(tensors, buffer_bytes, where);
  return tensors;
}

/// The tensors of a whole safetensors file in memory.
inline std::vector<tensor_info> parse_safetensors(std::span<std::byte const> file, std::string const& where) {
  std::uint64_t const header_bytes = safetensors_header_bytes(
      file.first(std::min<std::size_t>(file.size(), safetensors_prefix_bytes)), file.size(), where);
  auto const header = file.subspan(safetensors_prefix_bytes, static_cast<std::size_t>(header_bytes));
  return parse_safetensors_header({reinterpret_cast<char const*>(header.data()), header.size()},
                                  file.size() - safetensors_prefix_bytes - header_bytes, where);
}

}  // namespace tenon
