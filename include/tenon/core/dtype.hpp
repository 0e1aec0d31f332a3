// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tenon {

/// Element types of stored tensors, under the names that safetensors uses.
enum class dtype : std::uint8_t { f64, f32, f16, bf16, f8_e4m3, f8_e5m2, i64, i32, i16, i8, u8, boolean };

/// Bytes of one element.
constexpr std::size_t size_of(dtype type) noexcept {
  switch (type) {
    case dtype::f64:
    case dtype::i64:
      return 8;
    case dtype::f32:
    case dtype::i32:
      return 4;
    case dtype::f16:
    case dtype::bf16:
    case dtype::i16:
      return 2;
    case dtype::f8_e4m3:
    case dtype::f8_e5m2:
    case dtype::i8:
    case dtype::u8:
    case dtype::boolean:
      return 1;
  }
  return 0;
}

/// The safetensors spelling, such as "BF16".
constexpr std::string_view name_of(dtype type) noexcept {
  switch (type) {
    case dtype::f64:
      return "F64";
    case dtype::f32:
      return "F32";
    case dtype::f16:
      return "F16";
    case dtype::bf16:
      return "BF16";
    case dtype::f8_e4m3:
      return "F8_E4M3";
    case dtype::f8_e5m2:
      return "F8_E5M2";
    case dtype::i64:
      return "I64";
    case dtype::i32:
      return "I32";
    case dtype::i16:
      return "I16";
    case dtype::i8:
      return "I8";
    case dtype::u8:
      return "U8";
    case dtype::boolean:
      return "BOOL";
  }
  return "?";
}

/// The inverse of `name_of`; nothing for a type that tenon does not know.
constexpr std::optional<dtype> dtype_named(std::string_view name) noexcept {
  for (auto i = 0; i <= static_cast<int>(dtype::boolean); ++i) {
    if (name_of(static_cast<dtype>(i)) == name) return static_cast<dtype>(i);
  }
  return std::nullopt;
}

/// bfloat16 as storage: sign, 8 exponent bits, 7 fraction bits. Arithmetic happens in float.
struct bf16_t {
  std::uint16_t bits;

  constexpr operator float() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }

  /// Rounds to nearest, ties to even; NaN stays NaN.
  static constexpr bf16_t from(float value) noexcept {
    auto const word = std::bit_cast<std::uint32_t>(value);
    if ((word & 0x7fff'ffffu) > 0x7f80'0000u) return {static_cast<std::uint16_t>((word >> 16) | 0x40u)};
    return {static_cast<std::uint16_t>((word + 0x7fffu + ((word >> 16) & 1u)) >> 16)};
  }
};

/// IEEE 754 binary16 as storage: sign, 5 exponent bits, 10 fraction bits. Arithmetic happens in float.
struct f16_t {
  std::uint16_t bits;

  constexpr operator float() const noexcept {
    std::uint32_t const sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
    std::uint32_t const magnitude = bits & 0x7fffu;
    if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f80'0000u | ((magnitude & 0x3ffu) << 13));
    if (magnitude >= 0x0400u) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x3800'0000u));
    auto const subnormal = static_cast<float>(magnitude) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(subnormal));
  }

  /// Rounds to nearest, ties to even; beyond 65,504 to infinity; NaN stays NaN.
  static constexpr f16_t from(float value) noexcept {
    auto const word = std::bit_cast<std::uint32_t>(value);
    auto const sign = static_cast<std::uint16_t>((word >> 16) & 0x8000u);
    std::uint32_t const magnitude = word & 0x7fff'ffffu;
    if (magnitude > 0x7f80'0000u) return {static_cast<std::uint16_t>(sign | 0x7e00u)};
    if (magnitude >= 0x477f'f000u) return {static_cast<std::uint16_t>(sign | 0x7c00u)};
    if (magnitude < 0x3880'0000u) {  // below 2^-14: let float addition round at 2^-24
      float const shifted = std::bit_cast<float>(magnitude) + 0.5f;
      return {static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f00'0000u))};
    }
    std::uint32_t const rounded = magnitude - 0x3800'0000u + 0xfffu + ((magnitude >> 13) & 1u);
    return {static_cast<std::uint16_t>(sign | (rounded >> 13))};
  }
};

/// The dtype of a C++ element type.
template <class T>
inline constexpr dtype dtype_of = [] {
  static_assert(sizeof(T) == 0, "no dtype for this type");
  return dtype::u8;
}();
template <> inline constexpr dtype dtype_of<float> = dtype::f32;
template <> inline constexpr dtype dtype_of<bf16_t> = dtype::bf16;
template <> inline constexpr dtype dtype_of<f16_t> = dtype::f16;
template <> inline constexpr dtype dtype_of<std::int8_t> = dtype::i8;
template <> inline constexpr dtype dtype_of<std::int32_t> = dtype::i32;

/// Rounds a float to the storage type T.
template <class T> constexpr T round_to(float value) noexcept {
  if constexpr (requires { T::from(value); }) {
    return T::from(value);
  } else {
    return static_cast<T>(value);
  }
}

}  // namespace tenon
