// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>

#include "server/request_reader.hpp"
#include "server/server_state.hpp"
#include "server/timed_socket.hpp"

namespace server {

/// One connection: its requests are answered one after the other, in the order in which they came.
class http_session {
 public:
  http_session(boost::asio::ip::tcp::socket socket, server_state& shared);
  http_session(http_session const&) = delete;
  http_session& operator=(http_session const&) = delete;
  ~http_session();

  /// Until the connection has ended. Runs on the socket's strand; cancelling it ends the connection.
  boost::asio::awaitable<void> run();

 private:
  struct call;
  enum class next { request, close, abort };

  boost::asio::awaitable<next> serve(request_head head);
  boost::asio::awaitable<bool> read_body(call& now);
  boost::asio::awaitable<bool> skip_body(call& now);
  boost::asio::awaitable<void> run_route(call& now);
  boost::asio::awaitable<void> answer(call& now);
  void note(call const& now);

  server_state& shared_;
  timed_socket socket_;
  request_reader reader_;
  std::int64_t requests_ = 0;
};

}  // namespace server
