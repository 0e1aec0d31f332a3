// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace server {

using time_point = std::chrono::steady_clock::time_point;

/// What came of reading or writing. One of the three holds, bytes first: what has moved counts, even at the
/// last moment.
struct transfer {
  std::size_t bytes = 0;
  bool late = false;                  ///< the deadline passed
  boost::system::error_code error{};  ///< end of file included
};

/// A connected socket whose every wait has a deadline. One read and one write at a time, all on the socket's
/// executor. The awaitables end with operation_aborted in `error` when their coroutine is cancelled.
class timed_socket {
 public:
  explicit timed_socket(boost::asio::ip::tcp::socket socket);

  boost::asio::awaitable<transfer> read_some(boost::asio::mutable_buffer into, time_point deadline);
  boost::asio::awaitable<transfer> write_some(std::string_view from, time_point deadline);
  /// As much as the kernel takes now.
  transfer write_now(std::string_view from);

  /// Ends our half of the connection, waits for the client to end its own, and closes. Closing at once could
  /// reset the connection before the client has read the answer.
  boost::asio::awaitable<void> linger(std::chrono::milliseconds at_most);
  void close() noexcept;
  /// Closes and drops what the client has not read.
  void abort() noexcept;

  boost::asio::ip::tcp::socket& next_layer() noexcept { return socket_; }

 private:
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer read_deadline_;
  boost::asio::steady_timer write_deadline_;
  boost::system::error_code
      ended_;  // what ended reading: Asio reports it once, a second read would wait for ever
};

}  // namespace server
