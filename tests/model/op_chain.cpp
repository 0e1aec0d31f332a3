// SPDX-License-Identifier: Apache-2.0
#include "tenon/model/op_chain.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <vector>

#include "engine/small_engines.hpp"

namespace {

using namespace tenon;
using model = small::qwen3_model;
using plain = recipes::reference<model>;

struct first_layer_alone {
  template <class Attention, class M, class P, class B, class View, class Parallel>
  static void run(typename B::context& context, batch_view const& batch,
                  model_weights<M, P, B> const& weights, rope_view const& rope, View const& kv,
                  Parallel& parallel, activations<P> const& work, std::int32_t) {
    op_chain::run<Attention>(context, batch, weights, rope, kv, parallel, work, 1);
  }
};
struct shallow : plain {
  using forward = first_layer_alone;
};

/// Logits of one prompt's last position.
template <class Recipe = plain>
std::vector<float> logits_of(model_weights<model, fp32, cpu::backend> weights, std::vector<token_id> prompt) {
  model_runner<Recipe> runner{
      std::move(weights),
      {.max_rows = 1, .max_tokens = 32, .max_context = 32, .memory_bytes = std::size_t{4} << 20}};
  prefix_ledger ledger{runner.ledger(false)};
  sequence seq;
  seq.wish = std::make_shared<request const>(small::greedy_request(prompt, 1));
  seq.tokens = std::move(prompt);
  seq.prompt_tokens = seq.known();
  seq.slot = 0;
  BOOST_REQUIRE(ledger.reserve(0, seq.known()));
  step planned{.decode_rows = seq.known() == 1 ? 1 : 0, .tokens = seq.known()};
  planned.rows.push_back({.seq = &seq, .slot = 0, .begin = 0, .count = seq.known(), .samples = true});
  runner.launch(planned, ledger);
  runner.wait();
  return {runner.last_logits()[0], runner.last_logits()[0] + model::shape.vocabulary};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(op_chain)

BOOST_AUTO_TEST_CASE(fewer_layers_are_the_first_ones) {
  static_assert(model::shape.layers > 1);
  auto silent = small::weights<plain>();
  for (std::size_t i = 1; i < silent.layers.size(); ++i) {
    for (auto const& part : {silent.layers[i].output, silent.layers[i].down}) {
      std::fill_n(const_cast<float*>(part.data), std::int64_t{part.out_features} * part.in_features, 0.0f);
    }
  }
  std::vector<token_id> const prompt{3, 1, 4, 1, 5};
  auto const found = logits_of<shallow>(small::weights<plain>(), prompt);
  BOOST_CHECK(found == logits_of(std::move(silent), prompt));
  BOOST_CHECK(found != logits_of(small::weights<plain>(), prompt));
}

// With attention and ffn outputs of zero, what is left is norm(embedding) times the head: computed here by
// hand.
BOOST_AUTO_TEST_CASE(with_silent_layers_the_residual_stream_reaches_the_head) {
  auto weights = small::weights<plain>();
  for (auto& layer : weights.layers) {
    for (auto const& silent : {layer.output, layer.down}) {
      std::fill_n(const_cast<float*>(silent.data), std::int64_t{silent.out_features} * silent.in_features,
                  0.0f);
    }
  }
  constexpr auto shape = model::shape;
  token_id const last = 77;
  std::vector<double> x;
  for (std::int32_t i = 0; i < shape.hidden; ++i)
    x.push_back(static_cast<double>(weights.embedding.row(last)[i]));
  double squares = 0;
  for (auto v : x) squares += v * v;
  double const scale =
      1 / std::sqrt(squares / shape.hidden + static_cast<double>(weights.parameters.norm_epsilon));
  std::vector<double> expected;
  for (std::int32_t token = 0; token < shape.vocabulary; ++token) {
    double sum = 0;
    for (std::int32_t i = 0; i < shape.hidden; ++i) {
      sum += x[static_cast<std::size_t>(i)] * scale * static_cast<double>(weights.final_norm.data[i]) *
             static_cast<double>(weights.head.row(token)[i]);
    }
    expected.push_back(sum);
  }
  auto const found = logits_of(std::move(weights), {5, 6, last});
  for (std::size_t i = 0; i < expected.size(); ++i)
    BOOST_CHECK_SMALL(static_cast<double>(found[i]) - expected[i], 1e-4);
}

BOOST_AUTO_TEST_CASE(every_earlier_token_reaches_the_last_logits) {
  std::vector<token_id> const prompt{10, 20, 30, 40, 50, 60};
  auto const before = logits_of(small::weights<plain>(), prompt);
  for (std::size_t i = 0; i < prompt.size(); ++i) {
    auto changed = prompt;
    changed[i] = 99;
    BOOST_CHECK(logits_of(small::weights<plain>(), changed) != before);
  }
  BOOST_CHECK(logits_of(small::weights<plain>(), {20, 10, 30, 40, 50, 60}) != before);  // and order matters
}

BOOST_AUTO_TEST_SUITE_END()
