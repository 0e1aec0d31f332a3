// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/matrix_product.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <random>
#include <vector>

#include "cpu/random_matrix.hpp"

using namespace tenon;
using testing::random_matrix;

namespace {

template <class Element>
std::vector<float> product(cpu::context& ctx, random_matrix<float> const& x, std::int64_t first,
                           std::int64_t rows, random_matrix<Element> const& w) {
  std::vector<float> y(static_cast<std::size_t>(rows * w.rows));
  cpu::matrix_product(ctx, x.view()[first], rows, w.weights(), [&](cpu::product_tile const& tile) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      std::copy_n(tile.values + i * tile.stride, tile.features,
                  y.data() + (tile.row + i) * w.rows + tile.feature);
    }
  });
  return y;
}

template <class Element> void check_against_double(cpu::instruction_set set) {
  std::mt19937_64 random{testing::seed()};
  cpu::context ctx{{.threads = 3, .at_most = set}};
  for (std::int64_t round = 0; round < testing::scaled(12, 3); ++round) {
    auto const k = static_cast<std::int64_t>(random() % (round % 4 == 0 ? 1300 : 200) + 1);
    auto const rows = static_cast<std::int64_t>(random() % 300 + 1);
    auto const features = static_cast<std::int64_t>(random() % 150 + 1);
    random_matrix<float> const x{random, rows, k};
    random_matrix<Element> const w{random, features, k};
    auto const y = product(ctx, x, 0, rows, w);
    double worst = 0.0;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < features; ++j) {
        double sum = 0.0;
        double size = 0.0;
        for (std::int64_t e = 0; e < k; ++e) {
          sum += x.at(i, e) * w.at(j, e);
          size += std::abs(x.at(i, e) * w.at(j, e));
        }
        worst = std::max(worst, std::abs(y[static_cast<std::size_t>(i * features + j)] - sum) / size);
      }
    }
    BOOST_TEST_CONTEXT("rows " << rows << ", features " << features << ", k " << k) {
      BOOST_TEST(worst < 4e-7);
    }
  }
}

template <class Element> void check_bits(std::int64_t k, std::int64_t features) {
  std::mt19937_64 random{testing::seed()};
  std::int64_t const most = 300;
  random_matrix<float> const x{random, most, k};
  random_matrix<Element> const w{random, features, k};
  std::vector<float> alone;
  for (auto const set : testing::instruction_sets()) {
    cpu::context ctx{{.threads = 2, .at_most = set}};
    if (alone.empty()) {
      for (std::int64_t i = 0; i < most; ++i) {
        auto const y = product(ctx, x, i, 1, w);
        alone.insert(alone.end(), y.begin(), y.end());
      }
    }
    auto const step = std::max<std::int64_t>(1, 12 / testing::scaled(12));
    for (std::int64_t rows = 1; rows <= most; rows += step) {
      auto const first = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most - rows + 1));
      auto const y = product(ctx, x, first, rows, w);
      bool const equal =
          std::memcmp(y.data(), alone.data() + first * features, y.size() * sizeof(float)) == 0;
      BOOST_TEST_CONTEXT(name_of(set) << ", rows " << first << " to " << first + rows << ", k " << k) {
        BOOST_TEST(equal);
      }
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(matrix_product)

BOOST_AUTO_TEST_CASE(agrees_with_double_precision) {
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  for (auto const set : testing::instruction_sets()) {
    check_against_double<float>(set);
    check_against_double<bf16_t>(set);
    check_against_double<f16_t>(set);
  }
}

BOOST_AUTO_TEST_CASE(a_row_has_the_same_bits_alone_and_among_others_in_every_instruction_set) {
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  check_bits<float>(72, 37);
  check_bits<bf16_t>(131, 66);
  check_bits<f16_t>(16, 20);
  check_bits<bf16_t>(1100, 5);  // several blocks of k
}

BOOST_AUTO_TEST_CASE(both_halves_of_a_paired_matrix_meet) {
  std::mt19937_64 random{testing::seed()};
  cpu::context ctx{{.threads = 2}};
  random_matrix<float> const x{random, 7, 50};
  random_matrix<bf16_t> const w{random, 2 * 70, 50};
  auto const whole = product(ctx, x, 0, 7, w);
  std::vector<int> seen(7 * 70, 0);
  std::atomic<int> wrong = 0;
  cpu::paired_matrix_product(ctx, x.view().data, 7, w.weights(),
                             [&](auto, cpu::product_tile const& first, cpu::product_tile const& second) {
                               for (std::int64_t i = 0; i < first.rows; ++i) {
                                 for (std::int64_t j = 0; j < first.features; ++j) {
                                   auto const row = first.row + i;
                                   auto const feature = first.feature + j;
                                   ++seen[static_cast<std::size_t>(row * 70 + feature)];
                                   wrong += first.values[i * first.stride + j] !=
                                            whole[static_cast<std::size_t>(row * 140 + feature)];
                                   wrong += second.values[i * second.stride + j] !=
                                            whole[static_cast<std::size_t>(row * 140 + 70 + feature)];
                                 }
                               }
                             });
  BOOST_TEST(wrong == 0);
  BOOST_TEST(std::count(seen.begin(), seen.end(), 1) == 7 * 70);
}

BOOST_AUTO_TEST_SUITE_END()
