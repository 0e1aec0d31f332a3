// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/exchange.hpp"
#include "server/http_limits.hpp"
#include "server/response_head.hpp"
#include "server/timed_socket.hpp"

namespace server {

/// The answer to one request, on its way to the socket.
///
/// What the kernel does not take at once waits in an out-buffer of limited size, which `pump` empties beside
/// the route's coroutine. All of it runs on the socket's strand.
class http_reply final : public reply {
 public:
  http_reply(timed_socket& socket, http_limits const& limits, reply_style style);

  boost::asio::awaitable<void> send(http_response response) override;
  boost::asio::awaitable<void> begin_events(std::vector<header> headers) override;
  boost::asio::awaitable<void> write_events(std::string_view events) override;
  boost::asio::awaitable<void> end_events() override;
  bool streaming() const noexcept override { return state_ == state::streaming; }

  /// Sends a response, and returns when it is out, or when the client does not take it. Needs no pump.
  boost::asio::awaitable<void> deliver(http_response response);

  /// Waits until the out-buffer is empty.
  boost::asio::awaitable<void> finish();
  /// Writes what `finish` and the others leave; returns when the client is gone or reads too slowly.
  boost::asio::awaitable<void> pump();

  bool begun() const noexcept { return state_ != state::nothing; }
  /// Whether all of the answer has gone out.
  bool complete() const noexcept { return state_ == state::ended && pending() == 0 && !broken(); }
  bool stalled() const noexcept { return stalled_; }
  /// The client is gone, or reads too slowly.
  bool broken() const noexcept { return broken_ || stalled_; }
  reply_style const& style() const noexcept { return style_; }
  /// Lets the connection end behind the answer.
  void close_after() noexcept { style_.keep_alive = false; }
  int status() const noexcept { return status_; }
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  enum class state { nothing, streaming, ended };

  std::size_t pending() const noexcept { return flying_.size() - flown_ + waiting_.size(); }
  void append_chunk(std::string_view bytes);
  void push();
  boost::asio::awaitable<void> wait_for_room(std::size_t most, time_point deadline);

  timed_socket* socket_;
  http_limits const* limits_;
  reply_style style_;
  state state_ = state::nothing;
  int status_ = 0;
  std::uint64_t bytes_ = 0;
  bool broken_ = false;
  bool stalled_ = false;
  std::string waiting_;    // appended to at any time
  std::string flying_;     // given to a write in progress: not touched until it ends
  std::size_t flown_ = 0;  // of flying_
  time_point last_event_{};
  boost::asio::steady_timer wake_;  // of pump: cancelled when there is something to write
  boost::asio::steady_timer room_;  // cancelled when something was written
};

}  // namespace server
