// SPDX-License-Identifier: Apache-2.0
// A new size of a known family is one struct. This one has no checkpoint, so its weights are random numbers: the ids
// that it makes mean nothing, but every kernel, the cache and the scheduler run as for a trained model.

#include <iostream>

#include "tenon/checkpoint.hpp"
#include "tenon/cpu.hpp"

struct qwen3_pocket : tenon::qwen3_family {
  static constexpr std::string_view name = "Qwen3-pocket";
  static constexpr tenon::decoder_shape shape{.hidden = 384,
                                              .layers = 4,
                                              .query_heads = 6,
                                              .kv_heads = 2,
                                              .head_dim = 64,
                                              .ffn = 1024,
                                              .vocabulary = 8192,
                                              .tied_embeddings = true,
                                              .qk_norm = true};
};

static_assert(tenon::is_model_spec<qwen3_pocket>);

int main() try {
  using recipe = tenon::compose<qwen3_pocket, tenon::bf16>;
  tenon::decoder_parameters const parameters{.max_positions = 1024};
  tenon::engine<recipe> engine{tenon::random_weights<recipe>(parameters, 2026)};
  auto const print = [](tenon::event const& happened) {
    if (happened.token) std::cout << *happened.token << ' ';
  };
  engine.submit({.prompt = {1, 2, 3}, .max_new_tokens = 16, .sampling = {.temperature = 0.0f}}, print);
  while (engine.run_one_step()) {
  }
  std::cout << "\n";
} catch (tenon::error const& failed) {
  std::cerr << failed.what() << "\n";
  return 1;
}
