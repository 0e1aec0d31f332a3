// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace server {

/// One HTTP request, whole, within the limits, and allowed in.
struct http_request {
  std::string method;  ///< as sent: "GET"
  std::string path;    ///< without the query
  std::string query;   ///< without the question mark
  std::string body;
  std::string id;      ///< its x-request-id: the client's own or one made here
  std::string tenant;  ///< differs between API keys; says nothing of them. Empty where no keys are set
  std::chrono::steady_clock::time_point arrived{};
};

struct header {
  std::string name;
  std::string value;
};

/// An answer in one piece. Content-Length, x-request-id and the connection's headers are added on the way
/// out.
struct http_response {
  int status = 200;
  std::string body{};
  std::string content_type = "application/json";
  std::vector<header> headers{};
};

/// Where a route's answer goes: exactly one response, or one stream of server-sent events.
///
/// The route's coroutine is cancelled (operation_aborted at its next wait) when the client goes away, when it
/// reads too slowly, or when the server ends. (g++ 12 destroys a braced temporary in a co_await expression
/// twice: name a response before it is sent.)
class reply {
 public:
  virtual ~reply() = default;

  virtual boost::asio::awaitable<void> send(http_response response) = 0;

  /// Status 200 and the headers of an event stream; nothing else may be sent but events from here on.
  virtual boost::asio::awaitable<void> begin_events(std::vector<header> headers) = 0;
  /// `events` is one or several whole events, "data: …\n\n" each, written as one chunk. Returns once the
  /// chunk is in the out-buffer: a slow reader is this object's business.
  virtual boost::asio::awaitable<void> write_events(std::string_view events) = 0;
  virtual boost::asio::awaitable<void> end_events() = 0;

  /// Whether begin_events was called: then errors can only be events.
  virtual bool streaming() const noexcept = 0;
};

}  // namespace server
