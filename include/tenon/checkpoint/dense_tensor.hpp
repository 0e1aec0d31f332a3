// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "tenon/checkpoint/quoted_name.hpp"
#include "tenon/checkpoint/upload_queue.hpp"
#include "tenon/checkpoint/weight_source.hpp"
#include "tenon/core/dtype.hpp"
#include "tenon/core/error.hpp"

namespace tenon {

namespace detail {

/// Rounds stored elements to `Target`; gives the index of the first finite value that became infinite, or
/// to.size().
template <class Stored, class Target>
std::size_t convert_elements(std::span<std::byte const> from, std::span<Target> to) {
  std::size_t overflow = to.size();
  for (std::size_t i = 0; i < to.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, from.data() + i * sizeof(Stored), sizeof(Stored));
    auto const value = static_cast<float>(stored);
    to[i] = round_to<Target>(value);
    if constexpr (sizeof(Target) < sizeof(float)) {
      if (std::isinf(static_cast<float>(to[i])) && !std::isinf(value)) overflow = std::min(overflow, i);
    }
  }
  return overflow;
}

template <class Target>
std::size_t convert_from(dtype stored, std::span<std::byte const> from, std::span<Target> to) {
  switch (stored) {
    case dtype::bf16:
      return convert_elements<bf16_t>(from, to);
    case dtype::f16:
      return convert_elements<f16_t>(from, to);
    default:
      return convert_elements<float>(from, to);
  }
}

}  // namespace detail

/// Plans the copy of a whole stored tensor of a dense type into device memory of `Target` elements, exact or
/// rounded to nearest even.
///
/// The source must outlive the queue's run. A finite value beyond Target's range is a load_error then.
template <class Target, weight_source S, backend B>
void add_dense_tensor(S const& source, tensor_info const& tensor, Target* to, upload_queue<B>& queue) {
  std::size_t const stored_size = size_of(tensor.type);
  std::uint64_t const count = tensor.bytes / stored_size;
  std::uint64_t const step = upload_queue<B>::chunk_bytes / stored_size;
  for (std::uint64_t first = 0; first < count; first += step) {
    auto const part = static_cast<std::size_t>(std::min(step, count - first));
    queue.add(part * stored_size, [&source, &tensor, to, first, part, stored_size](upload_lane<B>& lane) {
      auto const stored = lane.source_scratch(part * stored_size);
      source.read(tensor, first * stored_size, stored);
      if (tensor.type == dtype_of<Target>) return lane.upload(to + first, stored);
      auto const converted = lane.template target_scratch<Target>(part);
      std::size_t const overflow = detail::convert_from<Target>(tensor.type, stored, converted);
      if (overflow < part) {
        throw load_error{source.where(), "tensor " + quoted_name(tensor.name) + ": the value of element " +
                                             std::to_string(first + overflow) + " is too large for " +
                                             std::string{name_of(dtype_of<Target>)}};
      }
      lane.upload(to + first, std::as_bytes(converted));
    });
  }
}

}  // namespace tenon
