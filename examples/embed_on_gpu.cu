// SPDX-License-Identifier: Apache-2.0
// embed.cpp on a GPU, with a recipe of its own: embed_on_gpu MODEL_DIRECTORY TEXT

#include <iostream>
#include <vector>

#include "tenon/checkpoint.hpp"
#include "tenon/cuda.cuh"
#include "tenon/model/qwen3.hpp"
#include "tenon/text/byte_level_bpe.hpp"
#include "tenon/text/qwen3_chat.hpp"

struct recipe : tenon::recipes::serving<tenon::qwen3_tiny> {
  using cache = tenon::paged_cache<64>;
  using launch = tenon::graph_replay<1, 2, 4>;
};

int main(int count, char** arguments) try {
  if (count != 3) throw tenon::error{"usage: embed_on_gpu MODEL_DIRECTORY TEXT"};
  tenon::engine<recipe> engine{tenon::load_weights<recipe>(arguments[1]), {.max_rows = 4, .depth = 2}};
  auto const tokenizer = tenon::byte_level_bpe::load(arguments[1]);
  std::vector<tenon::chat_message> messages(1);  // of the user, if nothing else is said
  messages.front().content = arguments[2];
  auto const chat = tenon::qwen3_chat::render(messages, {.tools = {}, .enable_thinking = false});
  tenon::request const wish{.prompt = tokenizer.encode(chat.spans()), .sampling = {.temperature = 0.0f}};
  engine.submit(wish, [&](tenon::event const& happened) {
    if (happened.finish == tenon::finish_reason::none) std::cout << tokenizer.token_bytes(*happened.token);
  });
  while (engine.run_one_step()) {
  }
  std::cout << "\n";
} catch (tenon::error const& failed) {
  std::cerr << failed.what() << "\n";
  return 1;
}
