// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace tenon {

/// A non-owning, row-major, dense array of `Rank` dimensions in host or device memory. Trivially copyable.
template <class T, std::size_t Rank> struct tensor_view {
  using element_type = T;

  T* data = nullptr;
  std::array<std::int64_t, Rank> extents{};

  constexpr std::int64_t extent(std::size_t dimension) const noexcept { return extents[dimension]; }

  constexpr std::int64_t size() const noexcept {
    std::int64_t product = 1;
    for (auto e : extents) product *= e;
    return product;
  }

  /// The first element of `view[i]`: one row of a matrix, one plane of a volume.
  constexpr T* operator[](std::int64_t i) const noexcept {
    std::int64_t stride = 1;
    for (std::size_t d = 1; d < Rank; ++d) stride *= extents[d];
    return data + i * stride;
  }

  /// The first `count` rows.
  constexpr tensor_view first(std::int64_t count) const noexcept {
    auto narrowed = *this;
    narrowed.extents[0] = count;
    return narrowed;
  }

  /// A view of constants. (A template, since nvcc warns of a conversion of a view of constants to itself.)
  template <class Constant>
    requires(!std::is_const_v<T> && std::is_same_v<Constant, T const>)
  constexpr operator tensor_view<Constant, Rank>() const noexcept {
    return {data, extents};
  }
};

template <class T> using vector_view = tensor_view<T, 1>;
template <class T> using matrix_view = tensor_view<T, 2>;

static_assert(std::is_trivially_copyable_v<matrix_view<float>>);

}  // namespace tenon
