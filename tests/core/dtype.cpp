// SPDX-License-Identifier: Apache-2.0
#include "tenon/core/dtype.hpp"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

using tenon::bf16_t;
using tenon::f16_t;

namespace {

/// The value of a binary16 or bfloat16 pattern from its definition: (-1)^s 2^(e - bias) 1.f, or a subnormal.
double defined_value(std::uint32_t bits, int exponent_bits, int fraction_bits) {
  int const bias = (1 << (exponent_bits - 1)) - 1;
  auto const exponent = static_cast<int>((bits >> fraction_bits) & ((1u << exponent_bits) - 1));
  double const fraction = std::ldexp(static_cast<double>(bits & ((1u << fraction_bits) - 1)), -fraction_bits);
  double const magnitude =
      exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1.0 + fraction, exponent - bias);
  return (bits >> (exponent_bits + fraction_bits)) != 0 ? -magnitude : magnitude;
}

/// Checks `T::from(value)` against the two neighbours it may round to: nearest, ties to an even pattern.
template <class T> bool rounds_to_nearest_even(float value) {
  auto const found = T::from(value);
  double const exact = static_cast<double>(value);
  double const error = std::abs(static_cast<double>(static_cast<float>(found)) - exact);
  for (int step : {-1, 1}) {
    auto const neighbour = T{static_cast<std::uint16_t>(found.bits + step)};
    auto const other = static_cast<float>(neighbour);
    if (!std::isfinite(other) || (neighbour.bits ^ found.bits) >> 15 != 0) continue;
    double const distance = std::abs(static_cast<double>(other) - exact);
    if (distance < error || (distance == error && (found.bits & 1u) != 0)) return false;
  }
  return true;
}

std::uint32_t test_seed() {
  auto const* text = std::getenv("TENON_TEST_SEED");
  return text == nullptr ? 20261121u : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dtype)

BOOST_AUTO_TEST_CASE(names_and_sizes_are_those_of_safetensors) {
  for (int i = 0; i <= static_cast<int>(tenon::dtype::boolean); ++i) {
    auto const type = static_cast<tenon::dtype>(i);
    BOOST_TEST((tenon::dtype_named(tenon::name_of(type)) == type));
    BOOST_TEST(tenon::size_of(type) > 0u);
  }
  BOOST_TEST(tenon::size_of(tenon::dtype::bf16) == 2u);
  BOOST_TEST(tenon::size_of(tenon::dtype::f8_e4m3) == 1u);
  BOOST_TEST(tenon::size_of(tenon::dtype::i64) == 8u);
  BOOST_TEST((tenon::dtype_named("F8_E4M3") == tenon::dtype::f8_e4m3));
  BOOST_TEST(!tenon::dtype_named("bf16").has_value());
  BOOST_TEST(!tenon::dtype_named("").has_value());
}

BOOST_AUTO_TEST_CASE(every_pattern_has_its_defined_value_and_survives_the_way_back) {
  std::size_t wrong = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    auto const half = static_cast<std::uint16_t>(bits);
    float const f16 = f16_t{half};
    float const bf16 = bf16_t{half};
    bool const f16_finite = (bits & 0x7c00u) != 0x7c00u;
    bool const bf16_finite = (bits & 0x7f80u) != 0x7f80u;
    if (f16_finite && static_cast<double>(f16) != defined_value(bits, 5, 10)) ++wrong;
    if (bf16_finite && static_cast<double>(bf16) != defined_value(bits, 8, 7)) ++wrong;
    if (f16_finite && f16_t::from(f16).bits != half) ++wrong;
    if (bf16_finite && bf16_t::from(bf16).bits != half) ++wrong;
    if (!f16_finite && std::isinf(f16) != ((bits & 0x3ffu) == 0)) ++wrong;
    if (!bf16_finite && std::isinf(bf16) != ((bits & 0x7fu) == 0)) ++wrong;
  }
  BOOST_TEST(wrong == 0u);
}

BOOST_AUTO_TEST_CASE(rounding_is_to_nearest_ties_to_even) {
  std::uint32_t const seed = test_seed();
  BOOST_TEST_CONTEXT("TENON_TEST_SEED=" << seed) {
    std::mt19937 random{seed};
    std::size_t wrong = 0;
    for (int i = 0; i < 2000000; ++i) {
      auto const value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
      if (!std::isfinite(value)) continue;
      if (std::isfinite(static_cast<float>(bf16_t::from(value))))
        wrong += rounds_to_nearest_even<bf16_t>(value) ? 0 : 1;
      int exponent = 0;
      float const fraction = std::frexp(value, &exponent);
      float const moderate = std::ldexp(fraction, static_cast<int>(random() % 44) - 26);
      if (std::abs(moderate) < 65520.0f) wrong += rounds_to_nearest_even<f16_t>(moderate) ? 0 : 1;
    }
    BOOST_TEST(wrong == 0u);
  }
}

BOOST_AUTO_TEST_CASE(ties_overflow_and_nan) {
  BOOST_TEST(f16_t::from(2049.0f).bits == f16_t::from(2048.0f).bits);
  BOOST_TEST(f16_t::from(2051.0f).bits == f16_t::from(2052.0f).bits);
  BOOST_TEST(f16_t::from(0x1p-25f).bits == 0u);  // half the least subnormal: to even
  BOOST_TEST(f16_t::from(0x1.8p-25f).bits == 1u);
  BOOST_TEST(f16_t::from(65519.0f).bits == 0x7bffu);  // rounds down to 65504
  BOOST_TEST(f16_t::from(65520.0f).bits == 0x7c00u);
  BOOST_TEST(f16_t::from(-1e30f).bits == 0xfc00u);
  BOOST_TEST(bf16_t::from(std::numeric_limits<float>::max()).bits == 0x7f80u);
  BOOST_TEST(bf16_t::from(-0.0f).bits == 0x8000u);
  BOOST_TEST(f16_t::from(-0.0f).bits == 0x8000u);
  for (float nan : {std::numeric_limits<float>::quiet_NaN(), std::bit_cast<float>(0x7f800001u)}) {
    BOOST_TEST(std::isnan(static_cast<float>(bf16_t::from(nan))));
    BOOST_TEST(std::isnan(static_cast<float>(f16_t::from(nan))));
  }
}

BOOST_AUTO_TEST_CASE(round_to_takes_any_storage_type) {
  BOOST_TEST(tenon::round_to<float>(1.1f) == 1.1f);
  BOOST_TEST(tenon::round_to<bf16_t>(1.0f).bits == 0x3f80u);
  BOOST_TEST((tenon::dtype_of<f16_t> == tenon::dtype::f16));
}

BOOST_AUTO_TEST_SUITE_END()
