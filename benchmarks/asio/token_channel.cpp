// SPDX-License-Identifier: Apache-2.0
// What streams cost the engine's thread: token_channel [--rounds N]
//
// One thread plays the engine: every round it pushes one event to each of the streams, whose coroutines run
// on two other threads, and then sleeps as long as a step would take. A JSON line a number of streams:
// nanoseconds an event that the pushing thread spent, and, from the push to the coroutine that has it, the
// median and the 99th percentile.

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "tenon/asio/event_mailbox.hpp"
#include "tenon/core/steady_clock.hpp"

namespace {

namespace asio = boost::asio;
namespace options = boost::program_options;

struct stream {
  std::shared_ptr<tenon::event_mailbox> mailbox;
  std::vector<std::int64_t> delays;
};

asio::awaitable<void> read(stream& mine) {
  std::vector<tenon::event> taken;
  while (!mine.mailbox->ended()) {
    while (!mine.mailbox->take(taken)) co_await mine.mailbox->wait();
    auto const now = tenon::steady_nanoseconds();
    for (auto const& happened : taken) mine.delays.push_back(now - happened.at);
  }
  mine.mailbox->close();
}

void measure(std::size_t count, int rounds, std::chrono::microseconds pause) {
  std::vector<stream> streams(count);
  asio::thread_pool pool{2};
  for (auto& one : streams) {
    one.mailbox = std::make_shared<tenon::event_mailbox>(asio::make_strand(pool));
    one.mailbox->begin_request();
    one.delays.reserve(static_cast<std::size_t>(rounds));
    asio::co_spawn(asio::make_strand(pool), read(one), asio::detached);
  }
  std::int64_t spent = 0;
  for (int round = 0; round < rounds; ++round) {
    std::this_thread::sleep_for(pause);
    tenon::event happened;
    happened.token = static_cast<tenon::token_id>(round);
    auto const begin = tenon::steady_nanoseconds();
    for (auto& one : streams) {
      happened.at = tenon::steady_nanoseconds();
      one.mailbox->push(happened, round + 1 == rounds);
    }
    spent += tenon::steady_nanoseconds() - begin;
  }
  pool.join();
  std::vector<std::int64_t> delays;
  for (auto const& one : streams) delays.insert(delays.end(), one.delays.begin(), one.delays.end());
  std::ranges::sort(delays);
  auto const events = static_cast<double>(count) * rounds;
  std::printf(
      "{\"streams\": %zu, \"events\": %.0f, \"received\": %zu, \"ns_per_event\": %.0f, \"delay_us_p50\": "
      "%.1f, "
      "\"delay_us_p99\": %.1f}\n",
      count, events, delays.size(), static_cast<double>(spent) / events,
      static_cast<double>(delays[delays.size() / 2]) * 1e-3,
      static_cast<double>(delays[delays.size() * 99 / 100]) * 1e-3);
}

}  // namespace

int main(int count, char** arguments) try {
  int rounds = 0;
  std::int64_t pause_us = 0;
  options::options_description all{"token_channel [options]"};
  auto add = all.add_options();
  add("help", "this text");
  add("rounds", options::value(&rounds)->default_value(500), "steps of the pretended engine");
  add("pause", options::value(&pause_us)->default_value(3000), "microseconds that such a step takes");
  options::variables_map values;
  options::store(options::parse_command_line(count, arguments, all), values);
  options::notify(values);
  if (values.count("help")) {
    std::cout << all;
    return 0;
  }
  for (std::size_t const streams : {1u, 8u, 64u, 256u})
    measure(streams, std::max(rounds, 1), std::chrono::microseconds{pause_us});
} catch (std::exception const& failed) {
  std::cerr << failed.what() << "\n";
  return 1;
}
