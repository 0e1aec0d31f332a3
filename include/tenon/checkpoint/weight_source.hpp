// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/core/dtype.hpp"

namespace tenon {

/// A stored tensor: what it is, and where its source finds it.
struct tensor_info {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::int64_t> shape;  ///< row-major; empty for a scalar
  std::uint64_t bytes = 0;          ///< product of shape times size_of(type), checked by the source
  std::uint32_t file = 0;           ///< the source's own: which file
  std::uint64_t offset = 0;         ///< the source's own: the first byte's place in that file

  friend bool operator==(tensor_info const&, tensor_info const&) = default;
};

/// "BF16 [2048, 1024]", as errors spell it.
inline std::string spelled(std::span<std::int64_t const> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

inline std::string spelled(tensor_info const& tensor) {
  return std::string{name_of(tensor.type)} + " " + spelled(std::span{tensor.shape});
}

namespace requirement {

/// `find` gives null for a name that the source lacks; pointers stay valid as long as the source.
template <class S>
concept finds_tensors_by_name = requires(S const& source, std::string_view name) {
  { source.find(name) } -> std::same_as<tensor_info const*>;
  { source.names() } -> std::convertible_to<std::vector<std::string>>;
};

/// `read(tensor, first_byte, to)` fills `to` with the tensor's bytes from `first_byte` on; it may be called
/// from several threads and throws load_error rather than give fewer bytes.
template <class S>
concept reads_parts_of_tensors =
    requires(S const& source, tensor_info const& tensor, std::uint64_t first_byte, std::span<std::byte> to) {
      source.read(tensor, first_byte, to);
    };

/// What errors name: a directory or a file.
template <class S>
concept tells_where_it_is = requires(S const& source) {
  { source.where() } -> std::convertible_to<std::string>;
};

}  // namespace requirement

/// Name -> type, shape, bytes. `load_weights` sees checkpoints through this alone.
template <class S>
concept weight_source = requirement::finds_tensors_by_name<S> && requirement::reads_parts_of_tensors<S> &&
                        requirement::tells_where_it_is<S>;

/// Names the failed requirement in a compiler's message.
template <weight_source S> inline constexpr bool is_weight_source = true;

}  // namespace tenon
