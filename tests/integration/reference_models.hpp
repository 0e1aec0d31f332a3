// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/checkpoint/load_weights.hpp"
#include "tenon/checkpoint/model_config.hpp"
#include "tenon/checkpoint/random_access_file.hpp"
#include "tenon/checkpoint/weight_source.hpp"
#include "tenon/cpu.hpp"

/// Small models whose logits transformers computed (tests/reference/make_logits.py), and an engine's own.
namespace reference_models {

using namespace tenon;

template <class Family> struct model_of : Family {
  static constexpr decoder_shape shape_with(decoder_shape shape) {
    shape.vocabulary = 128;
    shape.qkv_bias = Family::model_type == "qwen2";
    shape.qk_norm = Family::model_type == "qwen3";
    return shape;
  }
};

struct qwen3_group2_dim128_tied : model_of<qwen3_family> {
  static constexpr std::string_view name = "qwen3_group2_dim128_tied";
  static constexpr decoder_shape shape = shape_with({.hidden = 128,
                                                     .layers = 3,
                                                     .query_heads = 4,
                                                     .kv_heads = 2,
                                                     .head_dim = 128,
                                                     .ffn = 192,
                                                     .tied_embeddings = true});
};
struct qwen3_group4_dim64_yarn : model_of<qwen3_family> {
  static constexpr std::string_view name = "qwen3_group4_dim64_yarn";
  static constexpr decoder_shape shape =
      shape_with({.hidden = 160, .layers = 2, .query_heads = 8, .kv_heads = 2, .head_dim = 64, .ffn = 224});
};
struct qwen3_group6_dim64_tied : model_of<qwen3_family> {
  static constexpr std::string_view name = "qwen3_group6_dim64_tied";
  static constexpr decoder_shape shape = shape_with({.hidden = 192,
                                                     .layers = 2,
                                                     .query_heads = 12,
                                                     .kv_heads = 2,
                                                     .head_dim = 64,
                                                     .ffn = 160,
                                                     .tied_embeddings = true});
};
struct qwen3_group7_dim128 : model_of<qwen3_family> {
  static constexpr std::string_view name = "qwen3_group7_dim128";
  static constexpr decoder_shape shape =
      shape_with({.hidden = 128, .layers = 2, .query_heads = 14, .kv_heads = 2, .head_dim = 128, .ffn = 96});
};
struct qwen2_group2_dim64 : model_of<qwen2_family> {
  static constexpr std::string_view name = "qwen2_group2_dim64";
  static constexpr decoder_shape shape =
      shape_with({.hidden = 256, .layers = 3, .query_heads = 4, .kv_heads = 2, .head_dim = 64, .ffn = 320});
};
struct qwen2_group4_dim128_tied_yarn : model_of<qwen2_family> {
  static constexpr std::string_view name = "qwen2_group4_dim128_tied_yarn";
  static constexpr decoder_shape shape = shape_with({.hidden = 192,
                                                     .layers = 2,
                                                     .query_heads = 8,
                                                     .kv_heads = 2,
                                                     .head_dim = 128,
                                                     .ffn = 256,
                                                     .tied_embeddings = true});
};
struct qwen2_group6_dim128_tied : model_of<qwen2_family> {
  static constexpr std::string_view name = "qwen2_group6_dim128_tied";
  static constexpr decoder_shape shape = shape_with({.hidden = 192,
                                                     .layers = 2,
                                                     .query_heads = 12,
                                                     .kv_heads = 2,
                                                     .head_dim = 128,
                                                     .ffn = 160,
                                                     .tied_embeddings = true});
};
struct qwen2_group7_dim64_tied : model_of<qwen2_family> {
  static constexpr std::string_view name = "qwen2_group7_dim64_tied";
  static constexpr decoder_shape shape = shape_with({.hidden = 896,
                                                     .layers = 2,
                                                     .query_heads = 14,
                                                     .kv_heads = 2,
                                                     .head_dim = 64,
                                                     .ffn = 128,
                                                     .tied_embeddings = true});
};

/// One file of tests/reference/logits: how the weights are drawn, the prompt, and what came out.
struct reference {
  model_config config;
  boost::json::object rules;
  std::vector<token_id> ids;
  std::vector<std::int32_t> positions;
  std::vector<std::vector<float>> logits;  // [positions, vocabulary]
};

inline reference read_reference(std::string_view name) {
  auto const* source = std::getenv("TENON_SOURCE_DIR");
  auto const path = std::filesystem::path{source == nullptr ? "." : source} / "tests" / "reference" /
                    "logits" / (std::string{name} + ".json");
  auto const root = boost::json::parse(read_text_file(path, 1 << 20)).get_object();
  reference all;
  all.config = parse_model_config(boost::json::serialize(root.at("config")), path.string());
  all.rules = root.at("tensors").get_object();
  all.ids = boost::json::value_to<std::vector<token_id>>(root.at("ids"));
  all.positions = boost::json::value_to<std::vector<std::int32_t>>(root.at("positions"));
  all.logits = boost::json::value_to<std::vector<std::vector<float>>>(root.at("logits"));
  return all;
}

/// Element `index` of the tensor `name`, before any mutation: small integers times a power of two, from the
/// same hash as in make_logits.py (FNV-1a of the name, SplitMix64 of the index).
class drawn_values {
 public:
  explicit drawn_values(boost::json::object const& rules) {
    for (auto const& [pattern, rule] : rules) {
      auto const& fields = rule.get_object();
      rules_[std::string{pattern}] = {fields.at("least").to_number<std::int64_t>(),
                                      fields.at("most").to_number<std::int64_t>(),
                                      fields.at("exponent").to_number<int>()};
    }
  }

  std::vector<float> tensor(std::string const& name, std::size_t count) const {
    auto const& rule = rules_.at(pattern_of(name));
    float const scale = std::ldexp(1.0f, rule.exponent);
    auto const steps = static_cast<std::uint64_t>(rule.most - rule.least + 1);
    std::uint64_t counter = name_hash(name);
    std::vector<float> values(count);
    for (auto& value : values) {
      auto const step = static_cast<std::int64_t>((mixed_bits(counter++) >> 32) % steps);
      value = static_cast<float>(rule.least + step) * scale;
    }
    return values;
  }

 private:
  struct rule_fields {
    std::int64_t least = 0;
    std::int64_t most = 0;
    int exponent = 0;
  };

  static std::uint64_t mixed_bits(std::uint64_t counter) noexcept {
    std::uint64_t z = counter * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  static std::uint64_t name_hash(std::string_view name) noexcept {
    std::uint64_t value = 0xcbf29ce484222325u;
    for (char letter : name) value = (value ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
    return value;
  }

  /// "model.layers.3.mlp" -> "model.layers.*.mlp"
  static std::string pattern_of(std::string name) {
    auto const digit = name.find_first_of("0123456789");
    if (digit != std::string::npos) name.replace(digit, name.find('.', digit) - digit, "*");
    return name;
  }

  std::map<std::string, rule_fields> rules_;
};

using tensor_map = std::map<std::string, std::vector<float>, std::less<>>;

/// A checkpoint in memory: what the spec's layout asks for, drawn, then mutated by a test.
template <class Model> class drawn_checkpoint {
 public:
  explicit drawn_checkpoint(boost::json::object const& rules) {
    model_weights<Model, fp32, cpu::backend> unallocated;
    carver counting;
    drawn_values const draw{rules};
    for (auto const& wanted : expected_tensors(detail::lay_out(unallocated, counting))) {
      tensor_info info;
      info.name = wanted.name;
      info.shape = wanted.shape;
      std::size_t count = 1;
      for (auto extent : info.shape) count *= static_cast<std::size_t>(extent);
      info.bytes = count * sizeof(float);
      values_[info.name] = draw.tensor(info.name, count);
      infos_[info.name] = std::move(info);
    }
  }

  tensor_map& values() noexcept { return values_; }

  tensor_info const* find(std::string_view name) const {
    auto const found = infos_.find(name);
    return found == infos_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (auto const& [name, info] : infos_) all.push_back(name);
    return all;
  }
  void read(tensor_info const& tensor, std::uint64_t first_byte, std::span<std::byte> to) const {
    auto const* bytes = reinterpret_cast<std::byte const*>(values_.find(tensor.name)->second.data());
    std::memcpy(to.data(), bytes + first_byte, to.size());
  }
  std::string where() const { return "drawn weights"; }

 private:
  tensor_map values_;
  std::map<std::string, tensor_info, std::less<>> infos_;
};

/// What a mutation may change before the weights are loaded, and after.
template <class Recipe> struct subject {
  using model = typename Recipe::model;
  tensor_map* values = nullptr;              ///< every tensor of the checkpoint, as floats
  decoder_parameters* parameters = nullptr;  ///< as the config says
  std::function<void(recipe_weights<Recipe>&)> after_loading{};
};

/// Runs one sequence through a runner of `Recipe` and gives the logits of chosen positions.
template <class Recipe> class runner_of {
 public:
  using model = typename Recipe::model;

  template <class Mutation>
  runner_of(reference const& wanted, Mutation const& mutate,
            cpu::instruction_set at_most = cpu::instruction_set::avx512)
      : runner_{make_weights(wanted, mutate, at_most),
                {.max_rows = 1,
                 .max_tokens = 128,
                 .max_context = 128,
                 .memory_bytes = std::size_t{16} << 20}},
        ledger_{runner_.ledger(false)} {
    sequence_.wish = std::make_shared<request const>(
        request{.prompt = wanted.ids, .max_new_tokens = 1, .sampling = {.temperature = 0.0f}});
    sequence_.tokens = wanted.ids;
    sequence_.prompt_tokens = sequence_.known();
    sequence_.slot = 0;
    if (!ledger_.reserve(0, sequence_.known())) throw error{"the cache does not hold the prompt"};
  }

  /// Computes all positions, `chunk` at a time, each chunk cut where logits are wanted: chunk 1 is decoding
  /// step by step.
  std::vector<std::vector<float>> logits(std::vector<std::int32_t> const& positions, std::int32_t chunk) {
    std::vector<std::vector<float>> rows;
    std::int32_t begin = 0;
    for (auto position : positions) {
      while (begin <= position) {
        std::int32_t const count = std::min(chunk, position + 1 - begin);
        step planned{.decode_rows = count == 1 ? 1 : 0, .tokens = count};
        planned.rows.push_back(
            {.seq = &sequence_, .slot = 0, .begin = begin, .count = count, .samples = true});
        runner_.launch(planned, ledger_);
        runner_.wait();
        begin += count;
      }
      auto const* const row = runner_.last_logits()[0];
      rows.emplace_back(row, row + model::shape.vocabulary);
    }
    return rows;
  }

 private:
  template <class Mutation>
  static recipe_weights<Recipe> make_weights(reference const& wanted, Mutation const& mutate,
                                             cpu::instruction_set at_most) {
    check_shape<model>(wanted.config);
    drawn_checkpoint<model> checkpoint{wanted.rules};
    auto parameters = wanted.config.parameters;
    subject<Recipe> mutated{.values = &checkpoint.values(), .parameters = &parameters};
    mutate(mutated);
    auto weights = load_weights_from<Recipe>(checkpoint, parameters,
                                             {.context = {.threads = 2, .at_most = at_most}, .threads = 1});
    if (mutated.after_loading) mutated.after_loading(weights);
    return weights;
  }

  model_runner<Recipe> runner_;
  typename Recipe::cache::ledger ledger_;
  sequence sequence_;
};

/// ||found - wanted||inf / ||wanted||inf, over all rows; infinite where a value is not finite.
inline double relative_error(std::vector<std::vector<float>> const& wanted,
                             std::vector<std::vector<float>> const& found) {
  double difference = 0;
  double largest = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (std::size_t j = 0; j < wanted[i].size(); ++j) {
      auto const exact = static_cast<double>(wanted[i][j]);
      auto const other = static_cast<double>(found.at(i).at(j));
      if (!std::isfinite(other)) return HUGE_VAL;
      difference = std::max(difference, std::abs(other - exact));
      largest = std::max(largest, std::abs(exact));
    }
  }
  return difference / largest;
}

inline constexpr auto no_mutation = [](auto&) {};

}  // namespace reference_models
