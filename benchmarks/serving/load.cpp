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

#include "benchmarks/serving/http_client.hpp"
#include "benchmarks/serving/plan.hpp"

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

/// What /metrics says that a load curve is interested in.
struct server_state {
  std::int64_t at = 0;
  double busy_seconds = -1;
  double memory_bytes = 0;
  double replayed = 0;
  double eager = 0;

  void read_line(std::string_view line) {
    double const value = std::strtod(std::string{line.substr(line.rfind(' ') + 1)}.c_str(), nullptr);
    auto const has = [line](std::string_view part) { return line.find(part) != line.npos; };
    if (line.starts_with("tenon:device_busy_seconds_total{")) busy_seconds = value;
    if (line.starts_with("tenon:device_memory_bytes{") && !has("\"free\"")) memory_bytes += value;
    if (line.starts_with("tenon:step_total{") && !has("\"prompt\""))
      (has("\"replay\"") ? replayed : eager) += value;
  }
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
      add_state(line, before, wait_for(state()));
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
      auto record = co_await ask(connection, body_of(messages, turn.max_tokens), answer);
      bool const failed = !record.failure.empty();
      seen.add(std::move(record));
      if (failed) co_return;
      messages.push_back({{"role", "assistant"}, {"content", answer}});
    }
  }

  std::string body_of(json::array const& messages, std::int32_t max_tokens) const {
    json::object body{{"model", where_.model},
                      {"messages", messages},
                      {"max_tokens", max_tokens},
                      {"ignore_eos", true},
                      {"stream", true},
                      {"stream_options", {{"include_usage", true}}},
                      {"chat_template_kwargs", {{"enable_thinking", false}}}};
    if (plan_.greedy) body["temperature"] = 0;
    return json::serialize(body);
  }

  asio::awaitable<request_record> ask(http_client& connection, std::string body, std::string& answer) {
    request_record record;
    event_reader events{[&](json::object const& event) { hear(event, record, answer); }};
    try {
      co_await connection.connect();
      record.sent = tenon::steady_nanoseconds();
      auto const status =
          co_await connection.exchange(http::verb::post, "/v1/chat/completions", std::move(body),
                                       [&](std::string_view piece) { events.feed(piece); });
      if (status != 200)
        record.failure = std::to_string(status);
      else if (record.failure.empty() && !events.done())
        record.failure = "truncated";
    } catch (boost::system::system_error const& failed) {
      record.failure = failed.code().message();
      connection.close();
    }
    record.ended = tenon::steady_nanoseconds();
    if (record.sent == 0) record.sent = record.ended;
    co_return record;
  }

  static void hear(json::object const& event, request_record& record, std::string& answer) {
    if (event.contains("error")) record.failure = "error event";
    if (auto const* usage = event.if_contains("usage"); usage != nullptr && usage->is_object()) {
      auto const& counts = usage->get_object();
      record.prompt_tokens = counts.at("prompt_tokens").to_number<std::int64_t>();
      record.generated_tokens = counts.at("completion_tokens").to_number<std::int64_t>();
      if (auto const* details = counts.if_contains("prompt_tokens_details");
          details != nullptr && details->is_object())
        record.cached_tokens = details->get_object().at("cached_tokens").to_number<std::int64_t>();
    }
    auto const* choices = event.if_contains("choices");
    if (choices == nullptr || choices->as_array().empty()) return;
    auto const& delta = choices->as_array()[0].at("delta").as_object();
    for (char const* field : {"content", "reasoning_content"}) {
      auto const* text = delta.if_contains(field);
      if (text == nullptr || !text->is_string() || text->get_string().empty()) continue;
      record.arrivals.push_back(tenon::steady_nanoseconds());
      answer += text->get_string();
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
    server_state found{.at = tenon::steady_nanoseconds()};
    std::istringstream lines{status == 200 ? text : std::string{}};
    for (std::string line; std::getline(lines, line);) found.read_line(line);
    co_return found;
  }

  static void add_state(json::object& line, server_state const& before, server_state const& after) {
    if (before.busy_seconds < 0 || after.busy_seconds < 0) return;
    line["busy"] =
        (after.busy_seconds - before.busy_seconds) / (static_cast<double>(after.at - before.at) * 1e-9);
    line["memory_gb"] = after.memory_bytes * 1e-9;
    double const replayed = after.replayed - before.replayed;
    double const decode_only = replayed + after.eager - before.eager;
    if (decode_only > 0) line["replayed"] = replayed / decode_only;
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
