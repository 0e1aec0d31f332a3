// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "tenon/core/steady_clock.hpp"

namespace serving {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::use_awaitable;

/// Where a server listens: http://HOST:PORT.
struct address {
  std::string host;
  std::string port = "80";

  explicit address(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme))
      throw std::runtime_error{"url: expected http://HOST:PORT, found '" + std::string{url} + "'"};
    url.remove_prefix(scheme.size());
    url = url.substr(0, url.find('/'));
    auto const colon = url.rfind(':');
    host = url.substr(0, colon);
    if (colon != url.npos) port = url.substr(colon + 1);
  }
};

/// One connection, kept from request to request; one coroutine at a time uses it.
class http_client {
 public:
  http_client(asio::any_io_executor executor, address where, std::string key)
      : socket_{std::move(executor)}, where_{std::move(where)}, key_{std::move(key)} {}

  asio::awaitable<void> connect() {
    if (socket_.is_open()) co_return;
    asio::ip::tcp::resolver resolver{socket_.get_executor()};
    auto const found = co_await resolver.async_resolve(where_.host, where_.port, use_awaitable);
    co_await asio::async_connect(socket_, found, use_awaitable);
    socket_.set_option(asio::ip::tcp::no_delay{true});
    buffer_.clear();
  }

  /// Sends and reads; `on_piece` sees the body as it comes. Returns the status. Throws system_error.
  asio::awaitable<unsigned> exchange(http::verb verb, std::string path, std::string body,
                                     std::function<void(std::string_view)> on_piece) {
    co_await connect();
    http::request<http::string_body> request{verb, path, 11};
    request.set(http::field::host, where_.host);
    request.set(http::field::content_type, "application/json");
    if (!key_.empty()) request.set(http::field::authorization, "Bearer " + key_);
    request.body() = std::move(body);
    request.prepare_payload();
    co_await http::async_write(socket_, request, use_awaitable);

    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    co_await http::async_read_header(socket_, buffer_, parser, use_awaitable);
    while (!parser.is_done()) {
      parser.get().body().data = piece_;
      parser.get().body().size = sizeof piece_;
      auto const [failure, count] =
          co_await http::async_read_some(socket_, buffer_, parser, asio::as_tuple(use_awaitable));
      if (failure && failure != http::error::need_buffer) throw boost::system::system_error{failure};
      auto const length = sizeof piece_ - parser.get().body().size;
      if (length > 0) on_piece({piece_, length});
    }
    if (!parser.get().keep_alive()) close();
    co_return parser.get().result_int();
  }

  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::ip::tcp::socket socket_;
  address where_;
  std::string key_;
  boost::beast::flat_buffer buffer_;
  char piece_[16384];
};

/// Cuts an event stream into the JSON of its events.
class event_reader {
 public:
  explicit event_reader(std::function<void(boost::json::object const&)> on_event)
      : on_event_{std::move(on_event)} {}

  void feed(std::string_view piece) {
    pending_ += piece;
    std::size_t begin = 0;
    for (std::size_t end; (end = pending_.find("\n\n", begin)) != std::string::npos; begin = end + 2) {
      auto const line = std::string_view{pending_}.substr(begin, end - begin);
      if (!line.starts_with("data: ")) continue;
      if (line.substr(6) == "[DONE]")
        done_ = true;
      else
        on_event_(boost::json::parse(line.substr(6)).as_object());
    }
    pending_.erase(0, begin);
  }

  bool done() const noexcept { return done_; }

 private:
  std::function<void(boost::json::object const&)> on_event_;
  std::string pending_;
  bool done_ = false;
};

}  // namespace serving
