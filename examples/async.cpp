// SPDX-License-Identifier: Apache-2.0
// Two answers at once, each in a coroutine of its own: async MODEL_DIRECTORY TEXT TEXT

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>

#include "engines/load_engine.hpp"
#include "tenon/asio.hpp"
#include "tenon/text.hpp"

namespace asio = boost::asio;

asio::awaitable<void> print(tenon::engine_thread& engine, tenon::byte_level_bpe const& tokenizer,
                            tenon::request wish, std::string indent) {
  tenon::token_channel channel{co_await asio::this_coro::executor, engine, std::move(wish)};
  while (!channel.ended())
    for (tenon::event const& happened : co_await channel.next())
      if (happened.finish == tenon::finish_reason::none)
        std::cout << indent << tokenizer.token_bytes(*happened.token) << std::endl;
}

int main(int, char** arguments) {
  auto loaded = load_engine({.model = arguments[1], .rows = 2});
  tenon::engine_thread engine{std::move(loaded.engine)};
  auto const tokenizer = tenon::byte_level_bpe::load(arguments[1]);
  auto const format = tenon::choose_chat_format(arguments[1]);
  asio::io_context context;
  for (int i : {2, 3}) {
    std::vector<tenon::chat_message> messages(1);  // of the user, if nothing else is said
    messages.front().content = arguments[i];
    auto const chat = tenon::render(format, messages, {.tools = {}, .enable_thinking = false});
    tenon::request wish{.prompt = tokenizer.encode(chat.spans()), .sampling = loaded.sampling};
    std::string const indent(i == 2 ? 0 : 20, ' ');
    asio::co_spawn(context, print(engine, tokenizer, std::move(wish), indent), asio::detached);
  }
  context.run();
}
