// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "server/chunk_guard.hpp"
#include "server/http_limits.hpp"
#include "server/refusal.hpp"
#include "server/request_framing.hpp"
#include "server/server_state.hpp"
#include "server/timed_socket.hpp"

namespace server {

/// A request before its body.
struct request_head {
  request_framing framing{};
  bool keep_alive = true;       ///< what the client wishes
  std::string authorization{};  ///< values of single headers; empty where there is none
  std::string origin{};
  std::string content_type{};
  std::string request_id{};
  time_point arrived{};  ///< when the head was complete
};

/// There will be no further request: the client is gone, or has been idle for too long.
struct connection_end {};

/// Takes requests off a socket: each byte goes through the guards first and through Beast's parser then.
/// What came too early, of pipelined requests, is kept for later, within a limit.
class request_reader {
 public:
  request_reader(timed_socket& socket, http_limits const& limits) : socket_{&socket}, limits_{&limits} {}

  /// The next request's head.
  boost::asio::awaitable<std::variant<request_head, refusal, connection_end>> read_head();

  /// What is known of a head that was refused: enough to answer under its name, to the page that asked.
  request_head take_refused();

  /// Says "go on" to a client that asked; false when that does not get through.
  boost::asio::awaitable<bool> write_continue();

  /// The body of the request whose head came last, at most once a request. `body` grows as the bytes come.
  boost::asio::awaitable<std::variant<std::monostate, refusal, connection_end>> read_body(
      std::string& body, body_budget& budget);

  /// Reads ahead, for a later request, until the client is gone: then it returns. Meant to be cancelled.
  boost::asio::awaitable<void> watch();

 private:
  using parser_type = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  boost::asio::awaitable<transfer> read_more(std::size_t at_most, time_point deadline);
  std::variant<request_head, refusal> take_head(std::size_t begin, std::size_t end);
  std::optional<refusal> take_body(std::string& body);
  bool decode(std::string_view bytes, std::string& body);

  timed_socket* socket_;
  http_limits const* limits_;
  std::string inbox_;        // read and not yet taken
  std::size_t guarded_ = 0;  // the first bytes of it, which chunks_ has let pass
  request_head refused_{};
  std::optional<parser_type> parser_;
  std::optional<chunk_guard> chunks_;
};

}  // namespace server
