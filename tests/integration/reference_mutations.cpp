// SPDX-License-Identifier: Apache-2.0
// The comparison with transformers sees every term: each deliberate mistake below takes the logits of every
// model it applies to well beyond the bound that reference_logits holds them to.

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "integration/reference_models.hpp"
#include "tenon/recipes/reference.hpp"

namespace {

using namespace reference_models;

constexpr double bound = 1e-4;

template <class Model> using recipe_of = recipes::reference<Model>;
template <class Model> using subject_of = subject<recipe_of<Model>>;

/// Calls f(name, values) for every tensor whose name ends so.
template <class F> void for_each_ending(tensor_map& tensors, std::string_view ending, F const& f) {
  for (auto& [name, values] : tensors) {
    if (name.ends_with(ending)) f(name, values);
  }
}

void fill_all(tensor_map& tensors, std::string_view ending, float value) {
  for_each_ending(tensors, ending, [&](auto&, auto& values) { std::ranges::fill(values, value); });
}

void scale_all(tensor_map& tensors, std::string_view ending, float factor) {
  for_each_ending(tensors, ending, [&](auto&, auto& values) {
    for (auto& value : values) value *= factor;
  });
}

/// Exchanges two tensors of every layer; both have the same shape.
void swap_all(tensor_map& tensors, std::string const& one, std::string const& other) {
  for_each_ending(tensors, one, [&](std::string const& name, auto& values) {
    std::swap(values, tensors.at(name.substr(0, name.size() - one.size()) + other));
  });
}

/// Puts row `from(r)` of a [rows, columns] matrix to row r.
template <class From> void permute_rows(std::vector<float>& matrix, std::int32_t rows, From const& from) {
  auto const source = matrix;
  std::size_t const columns = matrix.size() / static_cast<std::size_t>(rows);
  for (std::int32_t r = 0; r < rows; ++r) {
    auto const* const begin = source.data() + static_cast<std::size_t>(from(r)) * columns;
    std::copy(begin, begin + columns,
              matrix.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(r) * columns));
  }
}

template <class From>
void permute_columns(std::vector<float>& matrix, std::int32_t columns, From const& from) {
  auto const source = matrix;
  for (std::size_t begin = 0; begin < matrix.size(); begin += static_cast<std::size_t>(columns)) {
    for (std::int32_t c = 0; c < columns; ++c) {
      matrix[begin + static_cast<std::size_t>(c)] = source[begin + static_cast<std::size_t>(from(c))];
    }
  }
}

/// Query head h reads key/value head h % kv_heads in place of h / group.
template <class Model> void mix_groups(subject_of<Model>& s) {
  static constexpr auto shape = Model::shape;
  auto const from = [](std::int32_t feature) {
    std::int32_t const head = feature / shape.head_dim;
    std::int32_t const original = head / shape.group() + head % shape.group() * shape.kv_heads;
    return original * shape.head_dim + feature % shape.head_dim;
  };
  for (auto const* name : {"q_proj.weight", "q_proj.bias"}) {
    for_each_ending(*s.values, name,
                    [&](auto&, auto& values) { permute_rows(values, shape.query_width(), from); });
  }
  for_each_ending(*s.values, "o_proj.weight",
                  [&](auto&, auto& values) { permute_columns(values, shape.query_width(), from); });
}

/// Turns the pairs (2i, 2i + 1) in place of (i, i + head_dim / 2).
template <class Model> void interleave_rotary(subject_of<Model>& s) {
  constexpr std::int32_t head_dim = Model::shape.head_dim;
  auto const from = [](std::int32_t feature) {
    std::int32_t const i = feature % head_dim;
    return feature - i + (i < head_dim / 2 ? 2 * i : 2 * (i - head_dim / 2) + 1);
  };
  for (auto const* name :
       {"q_proj.weight", "q_proj.bias", "q_norm.weight", "k_proj.weight", "k_proj.bias", "k_norm.weight"}) {
    for_each_ending(*s.values, name, [&](std::string const& tensor, auto& values) {
      bool const is_norm = tensor.find("_norm") != std::string::npos;
      bool const is_query = tensor.find(".q_") != std::string::npos;
      permute_rows(values,
                   is_norm    ? head_dim
                   : is_query ? Model::shape.query_width()
                              : Model::shape.kv_width(),
                   from);
    });
  }
}

/// A head of its own for a tied model.
template <class Model> void untie(recipe_weights<recipe_of<Model>>& weights) {
  auto const count = static_cast<std::size_t>(Model::shape.vocabulary) * Model::shape.hidden;
  std::vector<float> other(weights.embedding.data, weights.embedding.data + count);
  std::ranges::reverse(other);
  weights.storage.push_back({*weights.context, count * sizeof(float)});
  auto* const to = weights.storage.back().data();
  weights.context->copy_in(to, other.data(), count * sizeof(float));
  weights.head.data = reinterpret_cast<float const*>(to);
}

/// Scores divided by sqrt(hidden / heads) in place of sqrt(head_dim).
template <class Model> void scale_by_hidden(subject_of<Model>& s) {
  constexpr auto shape = Model::shape;
  auto const wrong = static_cast<float>(shape.hidden) / static_cast<float>(shape.query_heads);
  float const factor = std::sqrt(static_cast<float>(shape.head_dim) / wrong);
  if (shape.qk_norm) return scale_all(*s.values, "q_norm.weight", factor);
  scale_all(*s.values, "q_proj.weight", factor);
  scale_all(*s.values, "q_proj.bias", factor);
}

template <class Model> struct mutation {
  std::string name;
  std::function<void(subject_of<Model>&)> apply;
};

template <class Model> void add_family_mutations(std::vector<mutation<Model>>& all) {
  using target = subject_of<Model>;
  if constexpr (Model::shape.qk_norm) {
    all.push_back({"no q_norm", [](target& s) {
                     s.after_loading = [](auto& weights) {
                       for (auto& layer : weights.layers) layer.query_norm = {};
                     };
                   }});
    all.push_back({"no k_norm", [](target& s) {
                     s.after_loading = [](auto& weights) {
                       for (auto& layer : weights.layers) layer.key_norm = {};
                     };
                   }});
    all.push_back({"q_norm and k_norm swapped",
                   [](target& s) { swap_all(*s.values, "q_norm.weight", "k_norm.weight"); }});
    all.push_back(
        {"q_norm without its weight", [](target& s) { fill_all(*s.values, "q_norm.weight", 1.0f); }});
  } else {
    all.push_back({"no bias", [](target& s) {
                     s.after_loading = [](auto& weights) {
                       for (auto& layer : weights.layers) layer.qkv_bias = {};
                     };
                   }});
    for (auto const* part : {"q_proj.bias", "k_proj.bias", "v_proj.bias"}) {
      all.push_back({std::string{"no "} + part, [part](target& s) { fill_all(*s.values, part, 0.0f); }});
    }
  }
  if constexpr (Model::shape.tied_embeddings) {
    all.push_back({"untied head", [](target& s) { s.after_loading = untie<Model>; }});
  } else {
    all.push_back({"tied head", [](target& s) {
                     s.after_loading = [](auto& weights) { weights.head = weights.embedding; };
                   }});
  }
}

template <class Model>
void add_rope_mutations(std::vector<mutation<Model>>& all, decoder_parameters const& given) {
  using target = subject_of<Model>;
  all.push_back({"rope_theta of 1e5 or 1e6",
                 [](target& s) { s.parameters->rope_theta = s.parameters->rope_theta == 1e5 ? 1e6 : 1e5; }});
  all.push_back({"interleaved rotary pairs", interleave_rotary<Model>});
  if (!given.rope_scaling) return;
  all.push_back({"no YaRN", [](target& s) { s.parameters->rope_scaling.reset(); }});
  all.push_back({"YaRN factor derived from max_position_embeddings", [](target& s) {
                   auto& yarn = *s.parameters->rope_scaling;
                   yarn.attention_factor = rope_attention_scaling(*s.parameters);
                   yarn.factor = s.parameters->max_positions / yarn.original_max_positions;
                 }});
  all.push_back(
      {"no attention factor", [](target& s) { s.parameters->rope_scaling->attention_factor = 1.0; }});
  all.push_back({"original positions doubled",
                 [](target& s) { s.parameters->rope_scaling->original_max_positions *= 2; }});
  all.push_back({"other betas", [](target& s) {
                   auto& yarn = *s.parameters->rope_scaling;
                   yarn.beta_slow = yarn.beta_slow == 1.0 ? 0.5 : 1.0;
                 }});
}

template <class Model> std::vector<mutation<Model>> mutations(decoder_parameters const& given) {
  using target = subject_of<Model>;
  std::vector<mutation<Model>> all;
  add_family_mutations(all);
  add_rope_mutations(all, given);
  all.push_back({"epsilon of 1e-6", [](target& s) { s.parameters->norm_epsilon = 1e-6f; }});
  all.push_back({"groups mixed", mix_groups<Model>});
  all.push_back(
      {"gate and up swapped", [](target& s) { swap_all(*s.values, "gate_proj.weight", "up_proj.weight"); }});
  all.push_back(
      {"keys and values swapped", [](target& s) { swap_all(*s.values, "k_proj.weight", "v_proj.weight"); }});
  all.push_back({"norms swapped", [](target& s) {
                   swap_all(*s.values, "input_layernorm.weight", "post_attention_layernorm.weight");
                 }});
  all.push_back({"no final norm weight", [](target& s) { fill_all(*s.values, "model.norm.weight", 1.0f); }});
  all.push_back({"layers swapped", [](target& s) {
                   s.after_loading = [](auto& weights) { std::swap(weights.layers[0], weights.layers[1]); };
                 }});
  if (Model::shape.hidden != Model::shape.query_width())
    all.push_back({"scale of hidden / heads", scale_by_hidden<Model>});
  return all;
}

template <class Model>
double error_with(reference const& wanted, std::function<void(subject_of<Model>&)> const& mutate) {
  runner_of<recipe_of<Model>> runner{wanted, mutate};
  return relative_error(wanted.logits, runner.logits(wanted.positions, 128));
}

template <class Model> void expect_mutations_to_fail() {
  auto const wanted = read_reference(Model::name);
  BOOST_TEST(error_with<Model>(wanted, no_mutation) <= bound);
  for (auto const& [name, apply] : mutations<Model>(wanted.config.parameters)) {
    double const error = error_with<Model>(wanted, apply);
    BOOST_TEST_MESSAGE(Model::name << ", " << name << ": relative error " << error);
    BOOST_TEST_CONTEXT(Model::name << ", " << name) {
      BOOST_TEST(error > 10 * bound);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reference_mutations)

BOOST_AUTO_TEST_CASE(qwen3) {
  expect_mutations_to_fail<qwen3_group2_dim128_tied>();
  expect_mutations_to_fail<qwen3_group4_dim64_yarn>();
  expect_mutations_to_fail<qwen3_group6_dim64_tied>();
  expect_mutations_to_fail<qwen3_group7_dim128>();
}

BOOST_AUTO_TEST_CASE(qwen2) {
  expect_mutations_to_fail<qwen2_group2_dim64>();
  expect_mutations_to_fail<qwen2_group4_dim128_tied_yarn>();
  expect_mutations_to_fail<qwen2_group6_dim128_tied>();
  expect_mutations_to_fail<qwen2_group7_dim64_tied>();
}

BOOST_AUTO_TEST_SUITE_END()
