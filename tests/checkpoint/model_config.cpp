// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/model_config.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "checkpoint/error_text.hpp"
#include "checkpoint/temporary_directory.hpp"
#include "tenon/model/qwen2.hpp"
#include "tenon/model/qwen3.hpp"

using tenon_test::check_error;

namespace {

/// A small config.json of either family, with `more` in place of or after the keys given here.
std::string config_text(std::string const& more = "", std::string const& family = "qwen3") {
  std::string text = R"({"model_type":")" + family + '"';
  auto const add = [&](std::string const& key, std::string const& value) {
    if (more.find('"' + key + '"') == std::string::npos) text += ",\"" + key + "\":" + value;
  };
  add("hidden_size", "64");
  add("num_hidden_layers", "2");
  add("num_attention_heads", "4");
  add("num_key_value_heads", "2");
  add("head_dim", "32");
  add("intermediate_size", "96");
  add("vocab_size", "128");
  add("max_position_embeddings", "512");
  return text + (more.empty() ? "" : "," + more) + "}";
}

tenon::model_config parse(std::string const& more = "", std::string const& family = "qwen3") {
  return tenon::parse_model_config(config_text(more, family), "config.json");
}

struct small_qwen3 : tenon::qwen3_family {
  static constexpr std::string_view name = "small";
  static constexpr tenon::decoder_shape shape{.hidden = 64,
                                              .layers = 2,
                                              .query_heads = 4,
                                              .kv_heads = 2,
                                              .head_dim = 32,
                                              .ffn = 96,
                                              .vocabulary = 128,
                                              .qk_norm = true};
};

template <class Model> void check_published(std::filesystem::path const& directory, std::string const& name) {
  BOOST_TEST_CONTEXT(name) {
    auto const path = directory / (name + ".json");
    auto const config = tenon::parse_model_config(tenon::read_text_file(path, 1 << 20), path.string());
    BOOST_TEST(tenon::matches<Model>(config));
    BOOST_TEST(config.parameters.rope_theta == 1e6);
    BOOST_TEST(config.parameters.norm_epsilon == 1e-6f);
    BOOST_TEST(config.stop_ids == std::vector<tenon::token_id>{151645}, boost::test_tools::per_element());
    bool const is_yarn = name.find("yarn") != std::string::npos;
    BOOST_TEST(config.parameters.rope_scaling.has_value() == is_yarn);
    if (is_yarn) {
      BOOST_TEST((*config.parameters.rope_scaling ==
                  tenon::yarn_scaling{.factor = 4.0, .original_max_positions = 32768}));
      BOOST_TEST(config.parameters.max_positions == 131072);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(model_config)

BOOST_AUTO_TEST_CASE(the_older_spelling) {
  auto const config = parse(
      R"("torch_dtype":"bfloat16","rope_theta":5000,"rms_norm_eps":1e-5,"eos_token_id":7,"tie_word_embeddings":true,
         "rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":128},"use_sliding_window":false,
         "sliding_window":4096,"attention_bias":false,"hidden_act":"silu")");
  BOOST_TEST(config.model_type == "qwen3");
  BOOST_TEST((config.shape == tenon::decoder_shape{.hidden = 64,
                                                   .layers = 2,
                                                   .query_heads = 4,
                                                   .kv_heads = 2,
                                                   .head_dim = 32,
                                                   .ffn = 96,
                                                   .vocabulary = 128,
                                                   .tied_embeddings = true,
                                                   .qkv_bias = false,
                                                   .qk_norm = true}));
  BOOST_TEST((config.parameters ==
              tenon::decoder_parameters{
                  .rope_theta = 5000,
                  .rope_scaling = tenon::yarn_scaling{.factor = 4.0, .original_max_positions = 128},
                  .norm_epsilon = 1e-5f,
                  .max_positions = 512}));
  BOOST_TEST((config.stored_type == tenon::dtype::bf16));
  BOOST_TEST(config.stop_ids.front() == 7);
  BOOST_TEST(!config.quant_method);
}

BOOST_AUTO_TEST_CASE(the_newer_spelling_means_the_same) {
  auto const older = parse(
      R"("torch_dtype":"float16","rope_theta":5000,"rope_scaling":{"rope_type":"yarn","factor":2,"beta_fast":16,
         "beta_slow":2,"attention_factor":1.5,"original_max_position_embeddings":128})");
  auto const newer = parse(
      R"("dtype":"float16","rope_parameters":{"rope_theta":5000,"rope_type":"yarn","factor":2,"beta_fast":16,
         "beta_slow":2,"attention_factor":1.5,"original_max_position_embeddings":128})");
  BOOST_TEST((older.parameters == newer.parameters));
  BOOST_TEST((older.stored_type == newer.stored_type));
  BOOST_TEST(newer.parameters.rope_scaling->beta_fast == 16.0);
  BOOST_TEST(newer.parameters.rope_scaling->attention_factor.value() == 1.5);
  BOOST_TEST(!parse(R"("rope_parameters":{"rope_theta":77,"rope_type":"default"})").parameters.rope_scaling);
  BOOST_TEST(parse(R"("rope_parameters":{"rope_theta":77})").parameters.rope_theta == 77.0);
  BOOST_TEST(!parse(R"("rope_scaling":null)").parameters.rope_scaling);
}

BOOST_AUTO_TEST_CASE(what_the_families_differ_in) {
  auto const qwen2 = parse("", "qwen2").shape;
  BOOST_TEST((qwen2.qkv_bias && !qwen2.qk_norm));
  auto const qwen3 = parse().shape;
  BOOST_TEST((!qwen3.qkv_bias && qwen3.qk_norm));
  BOOST_TEST(parse(R"("head_dim":null)", "qwen2").shape.head_dim == 16);
  BOOST_TEST(parse(R"("head_dim":null)", "qwen3").shape.head_dim == 128);
}

BOOST_AUTO_TEST_CASE(several_stop_ids) {
  auto const ids = parse(R"("eos_token_id":[5,6])").stop_ids;
  BOOST_TEST(ids == (std::vector<tenon::token_id>{5, 6}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(wrong_values_are_named_with_file_key_and_value) {
  auto const refused = [](std::string const& more, std::string const& part,
                          std::string const& family = "qwen3") {
    BOOST_TEST_CONTEXT(more) {
      check_error([&] { parse(more, family); }, "config.json: " + part);
    }
  };
  refused(R"("hidden_size":0)", "key 'hidden_size': expected an integer from 1 to 16777216, found 0");
  refused(R"("num_hidden_layers":"2")", R"(key 'num_hidden_layers': expected an integer, found "2")");
  refused(R"("vocab_size":null)", "key 'vocab_size' is missing");
  refused(R"("num_key_value_heads":3)",
          "key 'num_key_value_heads': expected a divisor of num_attention_heads 4, found 3");
  refused(R"("head_dim":31)", "key 'head_dim': expected an even number, found 31");
  refused(R"("head_dim":null,"hidden_size":66)", "key 'hidden_size': expected an even multiple of", "qwen2");
  refused(R"("num_attention_heads":16777216,"num_key_value_heads":1)",
          "num_attention_heads * head_dim: expected at most");
  refused(R"("eos_token_id":128)", "key 'eos_token_id': expected an integer from 0 to 127, found 128");
  refused(R"("eos_token_id":[1,-1])", "key 'eos_token_id': expected an integer from 0 to 127, found -1");
  std::string many = "0";
  for (int i = 1; i < 33; ++i) many += ",1";
  refused("\"eos_token_id\":[" + many + "]", "key 'eos_token_id': expected at most 32 ids, found [0,1,1");
  refused(R"("pad_token_id":1.5)", "key 'pad_token_id': expected an integer, found 1.5");
  refused(R"("rms_norm_eps":0)", "key 'rms_norm_eps': expected a number from 1e-20 to 1, found 0");
  refused(R"("rope_theta":-1)", "key 'rope_theta': expected a number of at least 1, found -1");
  refused(R"("max_position_embeddings":0)", "key 'max_position_embeddings': expected an integer from 1");
  refused(R"("torch_dtype":"int8")",
          R"(key 'torch_dtype': expected "bfloat16", "float16" or "float32", found "int8")");
  refused(R"("hidden_act":"gelu")", R"(key 'hidden_act': expected "silu", found "gelu")");
  refused(R"("use_sliding_window":true)", "key 'use_sliding_window': expected false, found true");
  refused(R"("attention_bias":true)", "key 'attention_bias': expected false, found true");
  refused(R"("layer_types":["full_attention","sliding_attention"])",
          R"(key 'layer_types': expected "full_attention" for every layer, found "sliding_attention")");
  refused(R"("quantization_config":{"bits":4})", "key 'quantization_config.quant_method' is missing");
}

BOOST_AUTO_TEST_CASE(rope_scaling_that_is_not_supported) {
  auto const refused = [](std::string const& rope, std::string const& part) {
    BOOST_TEST_CONTEXT(rope) {
      check_error([&] { parse("\"rope_scaling\":{" + rope + "}"); }, part);
    }
  };
  refused(R"("type":"linear","factor":2)",
          R"(key 'rope_scaling.type': expected "default" or "yarn", found "linear")");
  refused(R"("rope_type":"llama3")", "key 'rope_scaling.rope_type': expected");
  refused(R"("type":"yarn","original_max_position_embeddings":8)", "key 'rope_scaling.factor' is missing");
  refused(R"("type":"yarn","factor":0.5,"original_max_position_embeddings":8)",
          "key 'rope_scaling.factor': expected a number of at least 1, found");
  refused(R"("type":"yarn","factor":4)", "key 'rope_scaling.original_max_position_embeddings' is missing");
  refused(R"("type":"yarn","factor":4,"original_max_position_embeddings":8,"mscale":1)",
          "key 'rope_scaling.mscale'");
  refused(R"("type":"yarn","factor":4,"original_max_position_embeddings":8,"truncate":false)",
          "key 'rope_scaling.truncate': expected true, found false");
  refused(R"("partial_rotary_factor":0.5)", "key 'rope_scaling.partial_rotary_factor': expected 1, found");
}

BOOST_AUTO_TEST_CASE(text_that_is_no_config) {
  for (std::string const text : {"", "[]", "{", "3", R"({"model_type":"qwen3","model_type":"qwen3"})"}) {
    check_error([&] { tenon::parse_model_config(text, "config.json"); }, "config.json: expected");
  }
  check_error([] { tenon::parse_model_config("{}", "c"); }, "c: key 'model_type' is missing");
  check_error([] { parse("", "llama"); }, R"(key 'model_type': expected "qwen2" or "qwen3", found "llama")");
  tenon_test::temporary_directory const directory;
  check_error([&] { tenon::load_model_config(directory.path()); }, "config.json: cannot be opened");
  directory.write("config.json", config_text());
  BOOST_TEST(tenon::load_model_config(directory.path()).where == (directory.path() / "config.json").string());
}

BOOST_AUTO_TEST_CASE(a_config_that_is_not_the_spec) {
  tenon::check_shape<small_qwen3>(parse());
  BOOST_TEST(tenon::matches<small_qwen3>(parse()));
  auto const other = parse(R"("hidden_size":128,"tie_word_embeddings":true)");
  BOOST_TEST(!tenon::matches<small_qwen3>(other));
  check_error([&] { tenon::check_shape<small_qwen3>(other); },
              "config.json: is not a small: hidden_size: expected 64, found 128; "
              "tie_word_embeddings: expected false, found true");
  check_error([&] { tenon::check_shape<small_qwen3>(parse("", "qwen2")); },
              "model_type: expected 'qwen3', found 'qwen2'; qkv bias: expected false, found true");
}

BOOST_AUTO_TEST_CASE(published_configs_match_their_specs) {
  auto const* data = std::getenv("TENON_TEST_DATA");
  if (data == nullptr) {
    BOOST_TEST_MESSAGE("skipped: TENON_TEST_DATA is not set");
    return;
  }
  auto const directory = std::filesystem::path{data} / "qwen" / "configs";
  check_published<tenon::qwen3_0_6b>(directory, "Qwen3-0.6B");
  check_published<tenon::qwen3_1_7b>(directory, "Qwen3-1.7B");
  check_published<tenon::qwen3_4b>(directory, "Qwen3-4B");
  check_published<tenon::qwen3_8b>(directory, "Qwen3-8B");
  check_published<tenon::qwen2_5_0_5b>(directory, "Qwen2.5-0.5B-Instruct");
  check_published<tenon::qwen2_5_1_5b>(directory, "Qwen2.5-1.5B-Instruct");
  check_published<tenon::qwen2_5_7b>(directory, "Qwen2.5-7B-Instruct");
  check_published<tenon::qwen2_5_7b>(directory, "Qwen2.5-7B-Instruct-yarn-131072");
  for (auto const& [name, method] : {std::pair{"Qwen3-1.7B-FP8", "fp8"},
                                     {"Qwen2.5-7B-Instruct-AWQ", "awq"},
                                     {"Qwen2.5-7B-Instruct-GPTQ-Int4", "gptq"},
                                     {"Qwen2.5-7B-Instruct-GPTQ-Int8", "gptq"}}) {
    auto const path = directory / (std::string{name} + ".json");
    auto const config = tenon::parse_model_config(tenon::read_text_file(path, 1 << 20), path.string());
    BOOST_TEST(config.quant_method.value() == method);
  }
}

BOOST_AUTO_TEST_SUITE_END()
