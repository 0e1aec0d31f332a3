// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "cpu/oracle.hpp"
#include "cpu/random_matrix.hpp"
#include "tenon/cpu/kernels_scalar.hpp"

namespace tenon::testing {

/// Rounding and widening of every 16-bit pattern, at every offset within a register.
template <class Kernels, class Element> void check_conversions() {
  std::vector<Element> all;
  for (std::uint32_t bits = 0; bits <= 0xffffu; ++bits) all.push_back({static_cast<std::uint16_t>(bits)});
  for (std::size_t const count : {all.size(), std::size_t{1}, std::size_t{15}, std::size_t{33}}) {
    std::vector<float> wide(count, -1.0f);
    Kernels::widen(all.data(), wide.data(), static_cast<std::int64_t>(count));
    std::vector<Element> narrow(count);
    Kernels::round(wide.data(), narrow.data(), static_cast<std::int64_t>(count));
    int wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
      float const expected = all[i];
      if (std::isnan(expected)) {
        wrong += !std::isnan(wide[i]) || !std::isnan(static_cast<float>(narrow[i]));
      } else {
        wrong += wide[i] != expected || narrow[i].bits != all[i].bits;
      }
    }
    BOOST_TEST(wrong == 0);
  }
}

/// Rounding of floats between, at and beyond the representable ones.
template <class Kernels, class Element> void check_rounding() {
  std::mt19937_64 random{seed()};
  std::vector<float> values{0.0f,
                            -0.0f,
                            1.0f,
                            65504.0f,
                            65519.99f,
                            65520.0f,
                            1e-8f,
                            5.96e-8f,
                            2.98e-8f,
                            6.1e-5f,
                            3.3895314e38f,
                            -3.4e38f,
                            std::numeric_limits<float>::infinity()};
  for (int i = 0; i < 100000; ++i) {
    float const value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isnan(value)) values.push_back(value);
    values.push_back(std::ldexp(1.0f + static_cast<float>(random() % 4096) / 4096.0f,
                                static_cast<int>(random() % 50) - 30));
  }
  std::vector<Element> narrow(values.size());
  Kernels::round(values.data(), narrow.data(), static_cast<std::int64_t>(values.size()));
  int wrong = 0;
  for (std::size_t i = 0; i < values.size(); ++i) wrong += narrow[i].bits != Element::from(values[i]).bits;
  BOOST_TEST(wrong == 0);
}

/// softmax's pieces: the same bits as the scalar kernels for every length, and close to the true values.
template <class Kernels> void check_exponentials() {
  std::mt19937_64 random{seed()};
  for (std::int64_t count = 1; count <= 70; ++count) {
    random_matrix<float> const scores{random, 1, count, 0.0f, 20.0f};
    auto found = scores.values;
    auto expected = scores.values;
    float const largest = Kernels::scale_and_find_largest(found.data(), count, 0.3f);
    BOOST_TEST(largest == cpu::scalar_kernels::scale_and_find_largest(expected.data(), count, 0.3f));
    float const sum = Kernels::exponentials(found.data(), count, largest);
    BOOST_TEST(sum == cpu::scalar_kernels::exponentials(expected.data(), count, largest));
    BOOST_TEST(same_bits(found, expected));
    for (std::int64_t i = 0; i < count; ++i) {
      double const argument =
          static_cast<double>(scores.values[static_cast<std::size_t>(i)] * 0.3f - largest);
      double const relative =
          static_cast<double>(found[static_cast<std::size_t>(i)]) / std::exp(argument) - 1.0;
      BOOST_TEST(std::abs(relative) < 3e-7);
    }
  }
}

/// silu(gate) * up for ordinary, huge and undefined gates.
template <class Kernels> void check_gate() {
  std::vector<float> const gates{0.0f, 1.0f, -1.0f, 5.5f, -20.0f, 80.0f, -80.0f, 1e30f, -1e30f, 1e-20f};
  std::vector<float> const ups(gates.size(), 2.0f);
  std::vector<float> out(gates.size());
  Kernels::gate(gates.data(), ups.data(), out.data(), static_cast<std::int64_t>(gates.size()));
  for (std::size_t i = 0; i < gates.size(); ++i) {
    double const g = static_cast<double>(gates[i]);
    double const expected = g / (1.0 + std::exp(-g)) * 2.0;
    BOOST_TEST(std::abs(static_cast<double>(out[i]) - expected) <= 3e-7 * std::abs(expected) + 2e-8);
  }
  std::vector<float> const undefined(17, std::numeric_limits<float>::quiet_NaN());
  std::vector<float> result(17, 0.0f);
  Kernels::gate(undefined.data(), undefined.data(), result.data(), 17);
  for (float const value : result) BOOST_TEST(std::isnan(value));
}

/// Weighted sums of rows: the same bits as the scalar kernels for every width.
template <class Kernels, class Element> void check_add_weighted() {
  std::mt19937_64 random{seed()};
  for (std::int64_t width = 1; width <= 70; width += 3) {
    random_matrix<Element> const values{random, 9, width};
    random_matrix<float> const weights{random, 4, 9};
    random_matrix<float> const start{random, 4, width};
    auto found = start.values;
    auto expected = start.values;
    Kernels::template add_weighted<4>(values.values.data(), width, 9, weights.values.data(), 9, found.data(),
                                      width, width);
    cpu::scalar_kernels::add_weighted<4>(values.values.data(), width, 9, weights.values.data(), 9,
                                         expected.data(), width, width);
    BOOST_TEST(same_bits(found, expected));
    matrix_of_doubles const sums = as_doubles(start) + as_doubles(weights) * as_doubles(values);
    BOOST_TEST(error(as_doubles(matrix_view<float>{found.data(), {4, width}}), sums) < 1e-6);
  }
}

/// Blocks of products: the same bits as the scalar kernels at once and in pieces, for every length.
template <class Kernels, class Element> void check_dots() {
  constexpr int rows = Kernels::weight_rows;
  constexpr int columns = Kernels::activation_rows;
  std::mt19937_64 random{seed()};
  for (std::int64_t k = 1; k <= 100; ++k) {
    random_matrix<Element> const w{random, rows, k};
    random_matrix<float> const x{random, columns, k};
    std::vector<float> found(rows * columns), pieces(rows * columns), expected(rows * columns);
    Kernels::template dots<rows, columns>(w.values.data(), k, x.values.data(), k, k, found.data(), rows);
    cpu::scalar_kernels::dots<rows, columns>(w.values.data(), k, x.values.data(), k, k, expected.data(),
                                             rows);
    BOOST_TEST(same_bits(found, expected), "k " << k);
    std::vector<float> lane_sums(rows * columns * cpu::lanes, 0.0f);
    for (std::int64_t i = 0; i < k; i += 2 * cpu::lanes) {
      Kernels::template add_dots<rows, columns>(w.values.data() + i, k, x.values.data() + i, k,
                                                std::min<std::int64_t>(2 * cpu::lanes, k - i),
                                                lane_sums.data());
    }
    Kernels::totals(lane_sums.data(), rows * columns, pieces.data());
    BOOST_TEST(same_bits(pieces, expected), "in pieces, k " << k);
    BOOST_TEST(Kernels::sum_of_squares(x.values.data(), k) ==
               cpu::scalar_kernels::sum_of_squares(x.values.data(), k));
  }
}

/// Everything that one set of kernels promises.
template <class Kernels> void check_kernels() {
  BOOST_TEST_MESSAGE("seed " << seed());
  check_conversions<Kernels, bf16_t>();
  check_conversions<Kernels, f16_t>();
  check_rounding<Kernels, bf16_t>();
  check_rounding<Kernels, f16_t>();
  check_exponentials<Kernels>();
  check_gate<Kernels>();
  check_add_weighted<Kernels, float>();
  check_add_weighted<Kernels, bf16_t>();
  check_dots<Kernels, float>();
  check_dots<Kernels, bf16_t>();
  check_dots<Kernels, f16_t>();
}

}  // namespace tenon::testing
