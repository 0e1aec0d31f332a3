// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/matrix_loader.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/memory_backend.hpp"
#include "checkpoint/small_models.hpp"
#include "checkpoint/temporary_directory.hpp"
#include "tenon/checkpoint/load_weights.hpp"
#include "tenon/checkpoint/random_weights.hpp"
#include "tenon/precision/bf16.hpp"

namespace {

/// A precision with a layout of its own, as a user would add it: eight-bit rows with one scale each, or dense
/// floats (a tied head).
struct row_scaled_matrix {
  std::int8_t const* values = nullptr;
  float const* scales = nullptr;
  std::int32_t out_features = 0;
  std::int32_t in_features = 0;
  float const* dense = nullptr;
};

struct row_scaled {
  using activation = float;
  using cache = float;
  using accumulator = float;
  using matrix = row_scaled_matrix;
  static constexpr std::string_view name = "row_scaled";
};

}  // namespace

template <> struct tenon::matrix_loader<row_scaled> {
  static constexpr std::string_view quant_method = "rows";

  static row_scaled_matrix carve(carver& space, std::int32_t out_features, std::int32_t in_features) {
    auto* const values = space.take<std::int8_t>(checked_size{out_features} * in_features);
    return {values, space.take<float>(out_features), out_features, in_features, nullptr};
  }
  static row_scaled_matrix tied_head(dense_matrix<float> const& embedding) {
    return {nullptr, nullptr, embedding.out_features, embedding.in_features, embedding.data};
  }
  static void expect(std::span<matrix_part const> parts, std::int32_t in_features,
                     std::vector<expected_tensor>& to) {
    for (auto const& part : parts) {
      to.push_back({part.name + ".weight", {dtype::i8}, {part.rows, in_features}});
      to.push_back({part.name + ".scale", dense_types(), {part.rows}});
    }
  }
  template <weight_source S, backend B>
  static void load(S const& source, std::span<matrix_part const> parts, row_scaled_matrix const& to,
                   upload_queue<B>& queue) {
    std::int64_t row = 0;
    for (auto const& part : parts) {
      auto const& values = *source.find(part.name + ".weight");
      auto* const target = const_cast<std::int8_t*>(to.values) + row * to.in_features;
      queue.add(values.bytes, [&source, &values, target](upload_lane<B>& lane) {
        auto const read = lane.source_scratch(values.bytes);
        source.read(values, 0, read);
        lane.upload(target, read);
      });
      add_dense_tensor(source, *source.find(part.name + ".scale"), const_cast<float*>(to.scales) + row,
                       queue);
      row += part.rows;
    }
  }
};

namespace {

using tenon_test::small_qwen3;
using tenon_test::stored_tensor;

/// The small checkpoint with its projections in the other layout.
std::vector<stored_tensor> quantized_tensors() {
  std::vector<stored_tensor> all;
  for (auto& tensor : tenon_test::checkpoint_tensors<small_qwen3>(tenon::dtype::bf16)) {
    if (tensor.name.find("_proj.weight") == std::string::npos) {
      all.push_back(std::move(tensor));
      continue;
    }
    auto const prefix = tensor.name.substr(0, tensor.name.rfind('.'));
    auto const rows = static_cast<std::size_t>(tensor.shape[0]);
    std::string bytes(rows * static_cast<std::size_t>(tensor.shape[1]), '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % 100);
    std::vector<float> scales(rows);
    for (std::size_t i = 0; i < rows; ++i) scales[i] = static_cast<float>(i) + 0.5f;
    all.push_back({tensor.name, tenon::dtype::i8, tensor.shape, bytes});
    all.push_back(tenon_test::make_tensor(prefix + ".scale", tenon::dtype::f16, {tensor.shape[0]}, scales));
  }
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(matrix_loader)

BOOST_AUTO_TEST_CASE(a_dense_matrix_takes_what_its_elements_take) {
  tenon::carver counting;
  auto const matrix = tenon::matrix_loader<tenon::bf16>::carve(counting, 100, 30);
  BOOST_TEST(matrix.data == nullptr);
  BOOST_TEST(matrix.out_features == 100);
  BOOST_TEST(matrix.in_features == 30);
  BOOST_TEST(counting.used() == tenon::round_up<std::size_t>(100 * 30 * 2, tenon::buffer_alignment));
}

BOOST_AUTO_TEST_CASE(another_layout_is_one_specialisation) {
  tenon_test::temporary_directory const directory;
  directory.write("config.json",
                  tenon_test::config_json<small_qwen3>(R"(,"quantization_config":{"quant_method":"rows"})"));
  auto const tensors = quantized_tensors();
  directory.write("model.safetensors", tenon_test::safetensors_file(std::span{tensors}));
  auto const weights =
      tenon::load_weights<tenon_test::weights_recipe<small_qwen3, row_scaled>>(directory.path());

  auto const& gate_up = weights.layers[1].gate_up;
  BOOST_TEST(gate_up.out_features == 48);
  BOOST_TEST(gate_up.scales[3] == 3.5f);
  BOOST_TEST(gate_up.scales[24] == 0.5f);  // up_proj begins again
  BOOST_TEST(static_cast<int>(gate_up.values[24 * 16 + 5]) == 5);
  BOOST_TEST(weights.head.dense == weights.embedding.data);
}

BOOST_AUTO_TEST_CASE(a_precision_refuses_what_it_does_not_read) {
  tenon::model_config config;
  config.where = "config.json";
  config.quant_method = "rows";
  tenon::check_quantization<row_scaled>(config);
  BOOST_CHECK_THROW(tenon::check_quantization<tenon::bf16>(config), tenon::load_error);
  config.quant_method.reset();
  tenon::check_quantization<tenon::bf16>(config);
  BOOST_CHECK_THROW(tenon::check_quantization<row_scaled>(config), tenon::load_error);
}

BOOST_AUTO_TEST_SUITE_END()
