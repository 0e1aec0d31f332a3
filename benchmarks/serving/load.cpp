// SPDX-License-Identifier: Apache-2.0
// Puts load on a server that speaks OpenAI's API, and says what its users saw.
//
//   load --url http://127.0.0.1:8000 --concurrency 1,4,16,64 --prompt-tokens 256 --output-tokens 128
//   load --url http://127.0.0.1:8000 --rate 2,4,8 --seconds 30 --shared-prefix 512 --turns 3
//
// A JSON line a point on the standard output, a Markdown table on the standard error; benchmarks/plot/plot.py
// draws the lines. Busy time, memory and replayed steps are read from /metrics, where the server has tenon's.
// Times are a client's: from the request's first byte sent to pieces of the answer received.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <iostream>
#include <thread>

#include "benchmarks/serving/chat_client.hpp"
#include "benchmarks/serving/plan.hpp"
#include "benchmarks/serving/server_state.hpp"

namespace {

using namespace serving;
namespace json = boost::json;
namespace options = boost::program_options;

struct target {
  std::string url = "http://127.0.0.1:8000";
  std::string key;
  std::string model;
  int threads = 4;
};

class load_generator {
 public:
  load_generator(target where, plan const& wanted)
      : where_{std::move(where)}, address_{where_.url}, plan_{wanted}, work_{wanted.work} {}

  load_generator(load_generator const&) = delete;
  load_generator& operator=(load_generator const&) = delete;

  ~load_generator() {
    context_.stop();
    for (auto& thread : threads_) thread.join();
  }

  void run() {
    for (int i = 0; i < where_.threads; ++i) threads_.emplace_back([this] { context_.run(); });
    if (where_.model.empty()) where_.model = wait_for(first_model());
    measurement ignored;
    spawn_and_wait(1, [&](int) { return client(ignored, plan_.warm_up); });
    bool const open = !plan_.rates.empty();
    table rows;
    for (double const load : numbers(open ? plan_.rates : plan_.concurrency)) {
      measurement seen;
      auto const before = wait_for(state());
      if (open)
        wait_for(open_loop(seen, load));
      else
        spawn_and_wait(static_cast<int>(load), [&](int) { return client(seen, plan_.per_client); });
      auto line = seen.summary(plan_.about("serving/load", open, load));
      line["model"] = where_.model;
      wait_for(state()).add_to(line, before);
      print(line);
      rows.add(line);
    }
  }

 private:
  template <class T> T wait_for(asio::awaitable<T> work) {
    return asio::co_spawn(asio::make_strand(context_), std::move(work), asio::use_future).get();
  }

  /// count coroutines at once.
  template <class Make> void spawn_and_wait(int count, Make const& make) {
    std::vector<std::future<void>> all;
    for (int i = 0; i < count; ++i)
      all.push_back(asio::co_spawn(asio::make_strand(context_), make(i), asio::use_future));
    for (auto& one : all) one.get();
  }

  /// A client of a closed loop: so many users, one after the other.
  asio::awaitable<void> client(measurement& seen, int users) {
    http_client connection{co_await asio::this_coro::executor, address_, where_.key};
    for (int i = 0; i < users; ++i) co_await converse(connection, seen);
  }

  asio::awaitable<void> lone_user(measurement& seen) {
    http_client connection{co_await asio::this_coro::executor, address_, where_.key};
    co_await converse(connection, seen);
  }

  asio::awaitable<void> open_loop(measurement& seen, double rate) {
    auto const begin = std::chrono::steady_clock::now();
    asio::steady_timer timer{context_};
    std::vector<std::future<void>> users;
    for (double const at : arrivals(rate, plan_.seconds, plan_.work.seed)) {
      timer.expires_at(
          begin + std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>{at}));
      co_await timer.async_wait(use_awaitable);
      users.push_back(asio::co_spawn(asio::make_strand(context_), lone_user(seen), asio::use_future));
    }
    for (auto& user : users)
      while (user.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
        timer.expires_after(std::chrono::milliseconds{5});
        co_await timer.async_wait(use_awaitable);
      }
  }

  asio::awaitable<void> converse(http_client& connection, measurement& seen) {
    auto const asked = work_.make(next_.fetch_add(1));
    json::array messages;
    if (!asked.system.empty()) messages.push_back({{"role", "system"}, {"content", asked.system}});
    for (auto const& turn : asked.turns) {
      messages.push_back({{"role", "user"}, {"content", turn.text}});
      std::string answer;
      auto record =
          co_await ask(connection, body_of(where_.model, messages, turn.max_tokens, plan_.greedy), answer);
      bool const failed = !record.failure.empty();
      seen.add(std::move(record));
      if (failed) co_return;
      messages.push_back({{"role", "assistant"}, {"content", answer}});
    }
  }

  asio::awaitable<std::string> first_model() {
    http_client connection{co_await asio::this_coro::executor, address_, where_.key};
    std::string text;
    co_await connection.exchange(http::verb::get, "/v1/models", "",
                                 [&](std::string_view piece) { text += piece; });
    co_return std::string{json::parse(text).at("data").at(0).at("id").as_string()};
  }

  asio::awaitable<server_state> state() {
    http_client connection{co_await asio::this_coro::executor, address_, where_.key};
    std::string text;
    auto const status = co_await connection.exchange(http::verb::get, "/metrics", "",
                                                     [&](std::string_view piece) { text += piece; });
    co_return server_state::read(status == 200 ? text : std::string{});
  }

  target where_;
  address address_;
  plan const& plan_;
  workload work_;
  std::atomic<std::uint64_t> next_ = 0;
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_guard_ = asio::make_work_guard(context_);
  std::vector<std::thread> threads_;
};

}  // namespace

int main(int count, char** arguments) try {
  target where;
  plan wanted;
  options::options_description all{"load --url http://HOST:PORT [options]"};
  auto add = all.add_options();
  add("help", "this text");
  add("url", options::value(&where.url)->default_value(where.url), "the server");
  add("key", options::value(&where.key), "its API key, if it wants one");
  add("model", options::value(&where.model), "which of its models; left out: the first that it names");
  add("threads", options::value(&where.threads)->default_value(where.threads), "of this program");
  wanted.add_to(all);
  options::variables_map values;
  options::store(options::parse_command_line(count, arguments, all), values);
  options::notify(values);
  if (values.count("help")) {
    std::cout << all;
    return 0;
  }
  load_generator{where, wanted}.run();
} catch (std::exception const& failed) {
  std::cerr << "load: " << failed.what() << "\n";
  return 1;
}
