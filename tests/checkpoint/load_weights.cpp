// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/load_weights.hpp"

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "checkpoint/error_text.hpp"
#include "checkpoint/small_models.hpp"
#include "checkpoint/temporary_directory.hpp"
#include "checkpoint/write_safetensors.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"
#include "tenon/precision/fp32.hpp"

using tenon::dtype;
using tenon_test::check_error;
using tenon_test::checkpoint_tensors;
using tenon_test::element_of;
using tenon_test::memory_backend;
using tenon_test::small_qwen2;
using tenon_test::small_qwen3;
using tenon_test::stored_tensor;
using tenon_test::temporary_directory;
using tenon_test::weights_recipe;

namespace {

template <class Model> void write_checkpoint(temporary_directory const& directory, dtype type) {
  directory.write("config.json", tenon_test::config_json<Model>());
  auto const tensors = checkpoint_tensors<Model>(type);
  directory.write("model.safetensors", tenon_test::safetensors_file(std::span{tensors}));
}

/// Checks rows of a stacked matrix against the tensor they came from.
template <class Matrix>
void check_rows(Matrix const& matrix, std::int64_t first_row, std::int64_t rows, std::string const& name) {
  std::size_t wrong = 0;
  for (std::int64_t i = 0; i < rows * matrix.in_features; ++i) {
    auto const found = static_cast<float>(matrix.row(first_row)[i]);
    wrong += found == element_of(name, static_cast<std::size_t>(i)) ? 0 : 1;
  }
  BOOST_TEST_CONTEXT(name) {
    BOOST_TEST(wrong == 0u);
  }
}

void check_vector(tenon::vector_view<float const> found, std::int64_t first, std::int64_t count,
                  std::string const& name) {
  std::size_t wrong = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    wrong += found.data[first + i] == element_of(name, static_cast<std::size_t>(i)) ? 0 : 1;
  }
  BOOST_TEST_CONTEXT(name) {
    BOOST_TEST(wrong == 0u);
  }
}

template <class Weights> void check_weights(Weights const& weights) {
  constexpr auto shape = Weights::model::shape;
  check_rows(weights.embedding, 0, shape.vocabulary, "model.embed_tokens.weight");
  BOOST_TEST(weights.embedding.out_features == shape.vocabulary);
  for (int i = 0; i < shape.layers; ++i) {
    auto const& layer = weights.layers[static_cast<std::size_t>(i)];
    auto const prefix = "model.layers." + std::to_string(i) + ".";
    auto const attention = prefix + "self_attn.";
    auto const q = shape.query_width();
    auto const kv = shape.kv_width();
    check_vector(layer.attention_norm, 0, shape.hidden, prefix + "input_layernorm.weight");
    check_vector(layer.ffn_norm, 0, shape.hidden, prefix + "post_attention_layernorm.weight");
    BOOST_TEST(layer.qkv.out_features == q + 2 * kv);
    check_rows(layer.qkv, 0, q, attention + "q_proj.weight");
    check_rows(layer.qkv, q, kv, attention + "k_proj.weight");
    check_rows(layer.qkv, q + kv, kv, attention + "v_proj.weight");
    check_rows(layer.output, 0, shape.hidden, attention + "o_proj.weight");
    BOOST_TEST(layer.output.in_features == q);
    check_rows(layer.gate_up, 0, shape.ffn, prefix + "mlp.gate_proj.weight");
    check_rows(layer.gate_up, shape.ffn, shape.ffn, prefix + "mlp.up_proj.weight");
    check_rows(layer.down, 0, shape.hidden, prefix + "mlp.down_proj.weight");
    BOOST_TEST((layer.qkv_bias.data != nullptr) == shape.qkv_bias);
    BOOST_TEST((layer.query_norm.data != nullptr) == shape.qk_norm);
    BOOST_TEST((layer.key_norm.data != nullptr) == shape.qk_norm);
    if (shape.qkv_bias) {
      BOOST_TEST(layer.qkv_bias.size() == q + 2 * kv);
      check_vector(layer.qkv_bias, 0, q, attention + "q_proj.bias");
      check_vector(layer.qkv_bias, q, kv, attention + "k_proj.bias");
      check_vector(layer.qkv_bias, q + kv, kv, attention + "v_proj.bias");
    }
    if (shape.qk_norm) {
      check_vector(layer.query_norm, 0, shape.head_dim, attention + "q_norm.weight");
      check_vector(layer.key_norm, 0, shape.head_dim, attention + "k_norm.weight");
    }
  }
  check_vector(weights.final_norm, 0, shape.hidden, "model.norm.weight");
  check_rows(weights.head, 0, shape.vocabulary,
             shape.tied_embeddings ? "model.embed_tokens.weight" : "lm_head.weight");
  BOOST_TEST((weights.head.data == weights.embedding.data) == shape.tied_embeddings);
}

template <class Model, class Precision> void check_every_stored_type() {
  for (auto type : {dtype::bf16, dtype::f16, dtype::f32}) {
    temporary_directory const directory;
    write_checkpoint<Model>(directory, type);
    tenon_test::memory_account account;
    {
      auto const weights =
          tenon::load_weights<weights_recipe<Model, Precision>>(directory.path(), {.context = {&account}});
      BOOST_TEST_CONTEXT(tenon::name_of(type) << " as " << Precision::name) {
        check_weights(weights);
      }
      BOOST_TEST(account.live_bytes == weights.bytes());
      BOOST_TEST(weights.parameters.max_positions == 512);
    }
    BOOST_TEST(account.live_bytes == 0u);
  }
}

using recipe = weights_recipe<small_qwen3, tenon::bf16>;

/// Loads a checkpoint whose tensors `change` has changed; gives the error's text and checks that nothing
/// stays allocated.
template <class Change> std::string error_after(Change&& change) {
  temporary_directory const directory;
  directory.write("config.json", tenon_test::config_json<small_qwen3>());
  auto tensors = checkpoint_tensors<small_qwen3>(dtype::f16);
  change(tensors);
  directory.write("model.safetensors", tenon_test::safetensors_file(std::span<stored_tensor const>{tensors}));
  tenon_test::memory_account account;
  auto const text =
      tenon_test::error_text([&] { tenon::load_weights<recipe>(directory.path(), {.context = {&account}}); });
  BOOST_TEST(account.live_bytes == 0u);
  return text;
}

stored_tensor& named(std::vector<stored_tensor>& tensors, std::string const& name) {
  return *std::ranges::find(tensors, name, &stored_tensor::name);
}

bool contains(std::string const& text, std::string const& part) {
  BOOST_TEST_INFO("in: " << text);
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(load_weights)

BOOST_AUTO_TEST_CASE(weights_can_come_in_the_background) {
  temporary_directory const directory;
  write_checkpoint<small_qwen3>(directory, dtype::bf16);
  tenon_test::memory_account account;
  {
    std::atomic<bool> returned{false};
    auto weights = tenon::load_weights_in_background<recipe>(
        directory.path(), {.context = {&account}, .progress = [&](std::uint64_t, std::uint64_t) {
                             while (!returned) std::this_thread::yield();
                           }});
    auto const* const first_norm = weights.final_norm.data;
    BOOST_TEST(weights.parameters.max_positions == 512);
    returned = true;
    weights.wait();
    BOOST_TEST(weights.final_norm.data == first_norm);
    check_weights(weights);
    weights.wait();  // nothing is left to wait for
  }
  BOOST_TEST(account.live_bytes == 0u);
}

BOOST_AUTO_TEST_CASE(what_goes_wrong_in_the_background_comes_out_of_the_wait) {
  temporary_directory const directory;
  write_checkpoint<small_qwen3>(directory, dtype::bf16);
  tenon_test::memory_account account;
  {
    auto weights = tenon::load_weights_in_background<recipe>(
        directory.path(), {.context = {&account}, .progress = [](std::uint64_t, std::uint64_t) {
                             throw tenon::load_error{"model.safetensors", "gone"};
                           }});
    check_error([&] { weights.wait(); }, "gone");
    check_error([&] { weights.wait(); }, "gone");  // and no later wait says that they are there
  }
  BOOST_TEST(account.live_bytes == 0u);
  directory.write("model.safetensors", "");
  BOOST_CHECK_THROW(tenon::load_weights_in_background<recipe>(directory.path()), tenon::load_error);
}

BOOST_AUTO_TEST_CASE(weights_that_nobody_waits_for_leave_nothing_behind) {
  temporary_directory const directory;
  write_checkpoint<small_qwen3>(directory, dtype::bf16);
  tenon_test::memory_account account;
  static_cast<void>(tenon::load_weights_in_background<recipe>(directory.path(), {.context = {&account}}));
  BOOST_TEST(account.live_bytes == 0u);
}

BOOST_AUTO_TEST_CASE(every_tensor_arrives_at_its_place) {
  check_every_stored_type<small_qwen3, tenon::fp32>();
  check_every_stored_type<small_qwen3, tenon::bf16>();
  check_every_stored_type<small_qwen3, tenon::fp16>();
  check_every_stored_type<small_qwen2, tenon::fp32>();
  check_every_stored_type<small_qwen2, tenon::bf16>();
}

BOOST_AUTO_TEST_CASE(shards_and_threads_make_no_difference) {
  temporary_directory const directory;
  directory.write("config.json", tenon_test::config_json<small_qwen2>());
  auto const tensors = checkpoint_tensors<small_qwen2>(dtype::bf16);
  std::string map;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    auto const shard = "model-" + std::to_string(i % 3) + ".safetensors";
    map += (map.empty() ? "\"" : ",\"") + tensors[i].name + "\":\"" + shard + '"';
  }
  for (std::size_t shard = 0; shard < 3; ++shard) {
    std::vector<stored_tensor> part;
    for (std::size_t i = shard; i < tensors.size(); i += 3) part.push_back(tensors[i]);
    directory.write("model-" + std::to_string(shard) + ".safetensors",
                    tenon_test::safetensors_file(std::span<stored_tensor const>{part}));
  }
  directory.write("model.safetensors.index.json", R"({"weight_map":{)" + map + "}}");
  for (unsigned threads : {1u, 2u, 7u}) {
    check_weights(tenon::load_weights<weights_recipe<small_qwen2, tenon::fp32>>(directory.path(),
                                                                                {.threads = threads}));
  }
}

BOOST_AUTO_TEST_CASE(stop_ids_come_from_generation_config_or_config) {
  temporary_directory const directory;
  write_checkpoint<small_qwen3>(directory, dtype::bf16);
  auto const loaded = [&] { return tenon::load_weights<recipe>(directory.path()).parameters.stop_ids; };
  directory.write("config.json", tenon_test::config_json<small_qwen3>(R"(,"eos_token_id":7)"));
  BOOST_TEST(loaded() == std::vector<tenon::token_id>{7}, boost::test_tools::per_element());
  directory.write("generation_config.json", R"({"eos_token_id":[8,9]})");
  BOOST_TEST(loaded() == (std::vector<tenon::token_id>{8, 9}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(progress_rises_to_the_end) {
  temporary_directory const directory;
  write_checkpoint<small_qwen3>(directory, dtype::bf16);
  std::uint64_t last = 0;
  std::uint64_t total = 0;
  bool rising = true;
  tenon::load_weights<recipe>(directory.path(), {.progress = [&](std::uint64_t done, std::uint64_t all) {
                                rising = rising && done >= last && done <= all;
                                last = done;
                                total = all;
                              }});
  std::uint64_t stored = 0;
  for (auto const& tensor : checkpoint_tensors<small_qwen3>(dtype::bf16)) stored += tensor.bytes.size();
  BOOST_TEST(rising);
  BOOST_TEST(last == total);
  BOOST_TEST(total == stored);
}

BOOST_AUTO_TEST_CASE(a_tied_checkpoint_may_carry_a_head_that_is_not_read) {
  BOOST_TEST(error_after([](auto& tensors) {
               tensors.push_back({"lm_head.weight", dtype::f16, {40, 16}, std::string(40 * 16 * 2, '\x11')});
               tensors.push_back(
                   {"model.layers.0.self_attn.rotary_emb.inv_freq", dtype::f32, {4}, std::string(16, 'x')});
             }).empty());
}

BOOST_AUTO_TEST_CASE(wrong_shapes_and_types_are_named) {
  auto const text = error_after([](auto& tensors) {
    auto& up = named(tensors, "model.layers.1.mlp.up_proj.weight");
    up.shape = {24, 15};
    up.bytes.resize(24 * 15 * 2);
    auto& norm = named(tensors, "model.norm.weight");
    norm.type = dtype::i8;
    norm.bytes.resize(16);
  });
  BOOST_TEST(contains(
      text,
      "tensor 'model.layers.1.mlp.up_proj.weight': expected bf16|f16|f32 [24, 16], found F16 [24, 15]"));
  BOOST_TEST(contains(text, "tensor 'model.norm.weight': expected bf16|f16|f32 [16], found I8 [16]"));
}

BOOST_AUTO_TEST_CASE(a_transposed_matrix_is_wrong) {
  auto const text = error_after([](auto& tensors) {
    named(tensors, "model.layers.0.mlp.down_proj.weight").shape = {24, 16};
  });
  BOOST_TEST(contains(
      text, "'model.layers.0.mlp.down_proj.weight': expected bf16|f16|f32 [16, 24], found F16 [24, 16]"));
}

BOOST_AUTO_TEST_CASE(every_missing_and_every_surplus_tensor_is_named) {
  auto const text = error_after([](auto& tensors) {
    std::erase_if(tensors, [](auto const& t) { return t.name.ends_with("q_norm.weight"); });
    tensors.push_back({"model.layers.2.mlp.up_proj.weight", dtype::f16, {1}, "xy"});
    tensors.push_back({"model.layers.0.self_attn.q_proj.bias", dtype::f16, {32}, std::string(64, '\0')});
  });
  BOOST_TEST(contains(
      text,
      "tensor 'model.layers.0.self_attn.q_norm.weight': expected bf16|f16|f32 [8], found no such tensor"));
  BOOST_TEST(contains(text, "tensor 'model.layers.1.self_attn.q_norm.weight': expected"));
  BOOST_TEST(contains(text, "tensor 'model.layers.2.mlp.up_proj.weight': not expected, found F16 [1]"));
  BOOST_TEST(contains(text, "tensor 'model.layers.0.self_attn.q_proj.bias': not expected, found F16 [32]"));
}

BOOST_AUTO_TEST_CASE(of_very_many_surplus_tensors_the_first_are_named) {
  auto const text = error_after([](auto& tensors) {
    for (int i = 0; i < 1000; ++i) tensors.push_back({"extra." + std::to_string(i), dtype::u8, {1}, "x"});
  });
  BOOST_TEST(contains(text, "tensor 'extra.0': not expected, found U8 [1]"));
  BOOST_TEST(contains(text, "; 968 more tensors that were not expected"));
  BOOST_TEST(text.size() < 5000u);
}

BOOST_AUTO_TEST_CASE(an_untied_checkpoint_needs_its_head) {
  temporary_directory const directory;
  directory.write("config.json", tenon_test::config_json<small_qwen2>());
  auto tensors = checkpoint_tensors<small_qwen2>(dtype::f16);
  tensors.pop_back();
  directory.write("model.safetensors", tenon_test::safetensors_file(std::span<stored_tensor const>{tensors}));
  check_error([&] { tenon::load_weights<weights_recipe<small_qwen2, tenon::fp32>>(directory.path()); },
              "tensor 'lm_head.weight': expected bf16|f16|f32 [36, 12], found no such tensor");
}

BOOST_AUTO_TEST_CASE(a_value_that_the_precision_cannot_hold) {
  temporary_directory const directory;
  directory.write("config.json", tenon_test::config_json<small_qwen3>());
  auto tensors = checkpoint_tensors<small_qwen3>(dtype::bf16);
  auto& down = named(tensors, "model.layers.0.mlp.down_proj.weight");
  std::vector<float> values(24 * 16, 1.0f);
  values[77] = 1e6f;
  down = tenon_test::make_tensor(down.name, dtype::bf16, down.shape, values);
  directory.write("model.safetensors", tenon_test::safetensors_file(std::span<stored_tensor const>{tensors}));
  tenon_test::memory_account account;
  check_error(
      [&] {
        tenon::load_weights<weights_recipe<small_qwen3, tenon::fp16>>(directory.path(),
                                                                      {.context = {&account}});
      },
      "tensor 'model.layers.0.mlp.down_proj.weight': the value of element 77 is too large for F16");
  BOOST_TEST(account.allocations == 1u);
  BOOST_TEST(account.live_bytes == 0u);
}

BOOST_AUTO_TEST_CASE(a_config_of_another_model_stops_before_anything_is_read) {
  temporary_directory const directory;
  directory.write("config.json", tenon_test::config_json<small_qwen2>());
  check_error([&] { tenon::load_weights<recipe>(directory.path()); },
              "is not a small Qwen3: model_type: expected 'qwen3'");
  directory.write("config.json",
                  tenon_test::config_json<small_qwen3>(R"(,"quantization_config":{"quant_method":"awq"})"));
  check_error([&] { tenon::load_weights<recipe>(directory.path()); },
              "config.json: quant_method 'awq' is not supported by precision 'bf16'");
}

BOOST_AUTO_TEST_CASE(memory_that_is_not_there) {
  temporary_directory const directory;
  write_checkpoint<small_qwen3>(directory, dtype::bf16);
  check_error(
      [&] {
        tenon::load_weights<recipe>(directory.path(), {.context = {nullptr, 1000}});
      },
      "was refused");
}

BOOST_AUTO_TEST_CASE(missing_memory_is_counted_before_any_is_taken) {
  temporary_directory const directory;
  write_checkpoint<small_qwen3>(directory, dtype::bf16);
  using told = weights_recipe<small_qwen3, tenon::bf16, tenon_test::telling_backend>;
  auto const bytes = tenon::load_weights<told>(directory.path()).bytes();
  tenon_test::memory_account account;
  auto const load = [&](std::size_t free) {
    tenon::load_weights<told>(directory.path(), {.context = {&account, free}, .also_needed = 1000});
  };
  check_error([&] { load(bytes + 993); }, "device memory: expected " + std::to_string(bytes + 1000) +
                                              " free bytes (weights " + std::to_string(bytes) +
                                              ", cache and workspace 1000), found " +
                                              std::to_string(bytes + 993) + ": 7 are missing");
  BOOST_TEST(account.allocations == 0u);
  load(bytes + 1000);
  BOOST_TEST(account.allocations == 1u);
}

BOOST_AUTO_TEST_CASE(a_device_that_cannot_run_the_program_stops_before_any_memory_is_taken) {
  temporary_directory const directory;
  write_checkpoint<small_qwen3>(directory, dtype::bf16);
  using foreign = weights_recipe<small_qwen3, tenon::bf16, tenon_test::foreign_backend>;
  tenon_test::memory_account account;
  BOOST_CHECK_THROW(tenon::load_weights<foreign>(directory.path(), {.context = {&account}}),
                    tenon::device_error);
  BOOST_TEST(account.allocations == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
