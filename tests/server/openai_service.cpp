// SPDX-License-Identifier: Apache-2.0
#include "server/openai_service.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <stdexcept>
#include <thread>

#include "server/openai/openai_routes.hpp"
#include "server/router.hpp"
#include "tenon/checkpoint.hpp"
#include "tenon/cpu.hpp"

namespace openai_test {

namespace {

namespace asio = boost::asio;
using tiny = tenon::recipes::reference<tenon::qwen3_tiny>;

std::string model_directory() {
  char const* const source = std::getenv("TENON_SOURCE_DIR");
  if (source == nullptr) throw std::runtime_error{"TENON_SOURCE_DIR must name the repository"};
  return std::string{source} + "/examples/tiny_model";
}

tenon::any_engine make_engine() {
  tenon::engine_options options{.max_rows = 16, .max_tokens = 512, .max_context = 2048};
  options.memory_bytes = tenon::engine<tiny>::memory_for(options, 8192);
  auto weights = tenon::load_weights<tiny>(model_directory(), {.context = {.threads = 2}});
  return tenon::any_engine{std::make_unique<tenon::engine<tiny>>(std::move(weights), options)};
}

/// Keeps what a route writes; cancels the route when its client leaves.
class recorder final : public server::reply {
 public:
  recorder(answer& into, client const& who, asio::cancellation_signal& leave)
      : into_{into}, who_{who}, leave_{leave} {}

  asio::awaitable<void> send(server::http_response response) override {
    into_.status = response.status;
    into_.body = std::move(response.body);
    into_.headers = std::move(response.headers);
    co_return;
  }
  asio::awaitable<void> begin_events(std::vector<server::header> headers) override {
    into_.status = 200;
    into_.headers = std::move(headers);
    streaming_ = true;
    co_return;
  }
  asio::awaitable<void> write_events(std::string_view events) override {
    while (!events.empty()) {
      auto const end = events.find("\n\n");
      BOOST_REQUIRE(events.starts_with("data: ") && end != std::string_view::npos);
      into_.events.emplace_back(events.substr(6, end - 6));
      events.remove_prefix(end + 2);
    }
    if (who_.on_events) who_.on_events(into_.events.size());
    if (who_.leaves_after_events && into_.events.size() >= *who_.leaves_after_events)
      leave_.emit(asio::cancellation_type::terminal);
    co_return;
  }
  asio::awaitable<void> end_events() override {
    into_.ended = true;
    co_return;
  }
  bool streaming() const noexcept override { return streaming_; }

 private:
  answer& into_;
  client const& who_;
  asio::cancellation_signal& leave_;
  bool streaming_ = false;
};

/// One request under way.
struct exchange {
  exchange(std::string method, std::string path, std::string body, client from) : who{std::move(from)} {
    request.method = std::move(method);
    request.path = std::move(path);
    request.body = std::move(body);
    request.id = "test";
    request.tenant = who.tenant;
    request.arrived = std::chrono::steady_clock::now();
  }

  server::http_request request;
  client who;
  answer result;
  asio::cancellation_signal leave;
  recorder out{result, who, leave};
  bool done = false;
};

void start(asio::io_context& loop, server::router const& routes, exchange& one) {
  auto const found = routes.find(one.request.method, one.request.path).found;
  if (found == nullptr) throw std::logic_error{"no route " + one.request.path};
  asio::co_spawn(loop, found->handler(one.request, one.out),
                 asio::bind_cancellation_slot(one.leave.slot(), [&one](std::exception_ptr failed) {
                   one.done = true;
                   if (!failed) return;
                   try {
                     std::rethrow_exception(failed);
                   } catch (boost::system::system_error const& why) {
                     if (why.code() != asio::error::operation_aborted) throw;
                     one.result.cancelled = true;
                   }
                 }));
}

void run(server::model_service& of, std::vector<std::unique_ptr<exchange>> const& all) {
  asio::io_context loop{1};
  server::router routes;
  server::add_openai_routes(routes, of);
  for (auto const& each : all) start(loop, routes, *each);
  if (all.size() == 1 && all.front()->who.leaves_after_posts) {
    for (auto turns = *all.front()->who.leaves_after_posts; turns > 0 && !all.front()->done; --turns)
      loop.run_one();
    if (!all.front()->done) all.front()->leave.emit(asio::cancellation_type::terminal);
  }
  loop.run();
}

answer exchange_one(std::string method, std::string_view path, std::string_view body, client const& who,
                    server::model_service& of) {
  std::vector<std::unique_ptr<exchange>> one;
  one.push_back(std::make_unique<exchange>(std::move(method), std::string{path}, std::string{body}, who));
  run(of, one);
  return std::move(one.front()->result);
}

}  // namespace

struct own_service::program {
  explicit program(tenon::inbox_limits limits) : engine{make_engine(), limits} {}

  tenon::byte_level_bpe tokenizer = tenon::byte_level_bpe::load(model_directory());
  tenon::engine_thread engine;
  server::model_service service{.engine = engine,
                                .tokenizer = tokenizer,
                                .format = tenon::choose_chat_format(model_directory()),
                                .names = {"tiny", "other/name"},
                                .created = 1700000000,
                                .sampling = {.temperature = 0.0f}};
};

own_service::own_service(tenon::inbox_limits limits) : self_{std::make_unique<program>(limits)} {}
own_service::~own_service() = default;
server::model_service& own_service::service() noexcept {
  return self_->service;
}
tenon::engine_thread& own_service::engine() noexcept {
  return self_->engine;
}

server::model_service& service() {
  static own_service only;
  return only.service();
}

answer ask(std::string_view path, std::string_view body, client const& who, server::model_service& of) {
  return exchange_one("POST", path, body, who, of);
}

answer get(std::string_view path) {
  return exchange_one("GET", path, "", {}, service());
}

std::vector<answer> ask_all(std::string_view path, std::vector<std::string> const& bodies,
                            server::model_service& of) {
  std::vector<std::unique_ptr<exchange>> all;
  for (auto const& body : bodies)
    all.push_back(std::make_unique<exchange>("POST", std::string{path}, body, client{}));
  run(of, all);
  std::vector<answer> answers;
  for (auto const& each : all) answers.push_back(std::move(each->result));
  return answers;
}

std::vector<value> answer::chunks() const {
  std::vector<value> result;
  for (auto const& event : events)
    if (event != "[DONE]") result.push_back(boost::json::parse(event));
  return result;
}

std::string answer::header(std::string_view name) const {
  for (auto const& each : headers)
    if (each.name == name) return each.value;
  return {};
}

object answer::error() const {
  auto const whole = events.empty() ? json() : boost::json::parse(events.back());
  return whole.at("error").as_object();
}

bool every_page_is_back(tenon::engine_thread& engine) {
  for (int i = 0; i < 500; ++i) {
    auto const stats = engine.stats();
    bool const idle =
        engine.open_requests() == 0 && stats.requests.running == 0 && stats.requests.waiting == 0;
    if (idle && stats.pages.free + stats.pages.cached == stats.pages.total) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return false;
}

}  // namespace openai_test

BOOST_AUTO_TEST_SUITE(openai_service)

BOOST_AUTO_TEST_CASE(lists_its_models) {
  auto const list = openai_test::get("/v1/models");
  BOOST_TEST(list.status == 200);
  auto const expected = boost::json::parse(
      R"({"object": "list", "data": [
        {"id": "tiny", "object": "model", "created": 1700000000, "owned_by": "tenon", "root": "tiny", "parent": null, "max_model_len": 2048},
        {"id": "other/name", "object": "model", "created": 1700000000, "owned_by": "tenon", "root": "tiny", "parent": null, "max_model_len": 2048}]})");
  BOOST_TEST(list.json() == expected);
}

BOOST_AUTO_TEST_CASE(shows_one_model) {
  BOOST_TEST(openai_test::get("/v1/models/tiny").json().at("id") == "tiny");
  BOOST_TEST(openai_test::get("/v1/models/other%2Fname").json().at("id") == "other/name");
  BOOST_TEST(openai_test::get("/v1/models/other/name").json().at("id") == "other/name");
  auto const none = openai_test::get("/v1/models/none");
  BOOST_TEST(none.status == 404);
  BOOST_TEST(none.error().at("code") == "model_not_found");
}

BOOST_AUTO_TEST_CASE(tokenizes_texts_and_chats) {
  using openai_test::ask;
  auto const text = ask("/tokenize", R"({"prompt": "Hello <|im_end|>", "return_token_strs": true})").json();
  auto const& tokens = text.at("tokens").as_array();
  BOOST_TEST(text.at("count") == tokens.size());
  BOOST_TEST(text.at("max_model_len") == 2048);
  BOOST_TEST(tokens.back() == 4098);
  BOOST_TEST(text.at("token_strs").as_array().back() == "<|im_end|>");
  auto const plain =
      ask("/tokenize", R"({"prompt": "Hello <|im_end|>", "add_special_tokens": false})").json();
  BOOST_TEST(plain.at("tokens") == text.at("tokens"));
  BOOST_TEST(plain.at("token_strs").is_null());

  openai_test::object const back{{"tokens", plain.at("tokens")}};
  BOOST_TEST(ask("/detokenize", boost::json::serialize(back)).json().at("prompt") == "Hello <|im_end|>");

  auto const chat = ask("/tokenize", R"({"messages": [{"role": "user", "content": "Hi"}]})").json();
  openai_test::object const ids{{"tokens", chat.at("tokens")}};
  BOOST_TEST(ask("/detokenize", boost::json::serialize(ids)).json().at("prompt") ==
             "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

BOOST_AUTO_TEST_SUITE_END()
