// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/rms_norm.cuh"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "cuda/relative_error.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"

using namespace tenon;

namespace {

template <class P> void check_norm(std::mt19937_64& random, std::int32_t rows, std::int32_t width) {
  using element = typename P::activation;
  testing::device_context device{{.hidden = width, .max_tokens = rows}};
  testing::random_matrix<float> const x{random, rows + 5, width, 0.2f, 2.0f};
  testing::random_matrix<float> const weight{random, 1, width, 1.0f, 0.3f};
  std::vector<std::int32_t> sources;
  for (std::int32_t i = 0; i < rows; ++i) {
    sources.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(rows + 5)));
  }
  testing::device_matrix const device_x{device.ctx, x};
  testing::device_matrix const device_weight{device.ctx, weight};
  testing::device_array const device_sources{device.ctx, sources};
  for (bool const gathered : {false, true}) {
    auto const normed =
        cuda::rms_norm_rows<element>(device.ctx, device_x.view(), gathered ? device_sources.data() : nullptr,
                                     rows, device_weight.vector(), 0.05f);
    std::vector<element> found(static_cast<std::size_t>(rows) * static_cast<std::size_t>(width));
    device.ctx.copy_out(found.data(), normed.data, found.size() * sizeof(element));
    std::vector<element> expected;
    for (std::int32_t i = 0; i < rows; ++i) {
      std::int32_t const row = gathered ? sources[static_cast<std::size_t>(i)] : i;
      double sum = 0.0;
      for (std::int32_t j = 0; j < width; ++j) sum += x.at(row, j) * x.at(row, j);
      double const factor = 1.0 / std::sqrt(sum / width + 0.05);
      for (std::int32_t j = 0; j < width; ++j) {
        auto const once = round_to<element>(static_cast<float>(x.at(row, j) * factor));
        expected.push_back(round_to<element>(static_cast<float>(once) * static_cast<float>(weight.at(0, j))));
      }
    }
    BOOST_TEST(testing::relative_error(found, expected) < testing::rounding_tolerance<P>,
               P::name << ", rows " << rows << ", width " << width << ", gathered " << gathered);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rms_norm)

BOOST_AUTO_TEST_CASE(agrees_with_double_precision) {
  if (!testing::has_device()) return;
  BOOST_TEST_MESSAGE("seed " << testing::seed());
  std::mt19937_64 random{testing::seed()};
  for (std::int32_t const rows : {1, 3, 200}) {
    for (std::int32_t const width : {8, 88, 896, 2048, 3584, 16384}) {
      check_norm<bf16>(random, rows, width);
      check_norm<fp16>(random, rows, width);
    }
  }
}

BOOST_AUTO_TEST_CASE(names_a_width_that_it_cannot_take) {
  if (!testing::has_device()) return;
  testing::device_context device{{.hidden = 20000, .max_tokens = 1}};
  for (std::int64_t const width : {12, 16392}) {
    BOOST_CHECK_EXCEPTION(
        cuda::rms_norm_rows<bf16_t>(device.ctx, {nullptr, {1, width}}, nullptr, 1, {nullptr, {width}}, 1e-6f),
        options_error, [&](options_error const& error) {
          return std::string{error.what()}.find("found " + std::to_string(width)) != std::string::npos;
        });
  }
}

BOOST_AUTO_TEST_SUITE_END()
