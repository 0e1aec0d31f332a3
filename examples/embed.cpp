// SPDX-License-Identifier: Apache-2.0
// An engine inside a program of yours: embed MODEL_DIRECTORY TEXT

#include <iostream>
#include <vector>

#include "tenon/checkpoint.hpp"
#include "tenon/cpu.hpp"
#include "tenon/text.hpp"

int main(int count, char** arguments) try {
  if (count != 3) throw tenon::error{"usage: embed MODEL_DIRECTORY TEXT"};
  using recipe = tenon::compose<tenon::qwen3_tiny, tenon::bf16>;
  tenon::engine<recipe> engine{tenon::load_weights<recipe>(arguments[1])};
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
