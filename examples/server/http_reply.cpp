// SPDX-License-Identifier: Apache-2.0
#include "server/http_reply.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace server {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

http_reply::http_reply(timed_socket& socket, http_limits const& limits, reply_style style)
    : socket_{&socket},
      limits_{&limits},
      style_{std::move(style)},
      wake_{socket.next_layer().get_executor()},
      room_{socket.next_layer().get_executor()} {}

asio::awaitable<void> http_reply::send(http_response response) {
  if (begun()) throw std::logic_error{"a second answer to one request"};
  state_ = state::ended;
  status_ = response.status;
  waiting_ = response_head(response, style_, response.body.size());
  if (!style_.head_only) waiting_ += response.body;
  push();
  co_return;
}

asio::awaitable<void> http_reply::deliver(http_response response) {
  co_await send(std::move(response));
  if (complete()) co_return;
  auto const strand = co_await asio::this_coro::executor;
  co_await asio::experimental::make_parallel_group(asio::co_spawn(strand, finish(), asio::deferred),
                                                   asio::co_spawn(strand, pump(), asio::deferred))
      .async_wait(asio::experimental::wait_for_one{}, asio::use_awaitable);
}

asio::awaitable<void> http_reply::begin_events(std::vector<header> headers) {
  if (begun()) throw std::logic_error{"a second answer to one request"};
  state_ = state::streaming;
  status_ = 200;
  headers.push_back({"X-Accel-Buffering", "no"});
  if (style_.http_1_0) style_.keep_alive = false;  // its end is the connection's end
  http_response const opening{.content_type = "text/event-stream; charset=utf-8",
                              .headers = std::move(headers)};
  waiting_ = response_head(opening, style_, std::nullopt);
  last_event_ = clock::now();
  push();
  co_return;
}

asio::awaitable<void> http_reply::write_events(std::string_view events) {
  if (!streaming()) throw std::logic_error{"an event without a stream"};
  if (events.empty()) co_return;  // an empty chunk would be the last one
  auto const most = limits_->out_buffer_bytes;
  if (pending() > 0 && pending() + events.size() > most) {
    auto const room = events.size() < most ? most - events.size() : 0;
    co_await wait_for_room(room, clock::now() + limits_->stall_time);
  }
  append_chunk(events);
  last_event_ = clock::now();
  push();
}

asio::awaitable<void> http_reply::end_events() {
  if (!streaming()) throw std::logic_error{"the end of no stream"};
  if (!style_.http_1_0) waiting_ += "0\r\n\r\n";
  state_ = state::ended;
  push();
  co_return;
}

void http_reply::append_chunk(std::string_view bytes) {
  if (style_.http_1_0) {
    waiting_ += bytes;
    return;
  }
  std::array<char, 16> size{};
  auto const end = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16).ptr;
  waiting_.append(size.data(), end);
  waiting_ += "\r\n";
  waiting_ += bytes;
  waiting_ += "\r\n";
}

/// Hands to the kernel what it takes, and the rest to `pump`.
void http_reply::push() {
  if (broken_) return;
  if (flying_.empty()) {
    auto const sent = socket_->write_now(waiting_);
    bytes_ += sent.bytes;
    waiting_.erase(0, sent.bytes);
    broken_ = static_cast<bool>(sent.error);
  }
  if (pending() > 0 || broken_) wake_.cancel();
}

/// Returns once at most `most` bytes are pending; throws when that takes too long.
asio::awaitable<void> http_reply::wait_for_room(std::size_t most, time_point deadline) {
  while (pending() > most) {
    room_.expires_at(deadline);
    boost::system::error_code woken;
    co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    stalled_ = stalled_ || (!woken && pending() > most);
    if (stalled_ || broken_) throw boost::system::system_error{asio::error::timed_out};
  }
}

asio::awaitable<void> http_reply::finish() {
  // What is left must go out at a rate that is no stall.
  auto const rate = std::max<std::uint64_t>(1, limits_->body_rate);
  auto const time = limits_->stall_time + std::chrono::milliseconds{pending() * 1000 / rate};
  co_await wait_for_room(0, clock::now() + time);
}

asio::awaitable<void> http_reply::pump() {
  while (!broken_) {
    if (pending() == 0) {
      wake_.expires_at(streaming() ? last_event_ + limits_->ping_time : time_point::max());
      boost::system::error_code woken;
      co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      // Without this check the next wait would throw, once a request.
      if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
        co_return;
      if (woken || !streaming()) continue;
      append_chunk(": ping\n\n");
      last_event_ = clock::now();
    }
    if (flown_ == flying_.size()) {
      flying_ = std::exchange(waiting_, {});
      flown_ = 0;
    }
    auto const left = std::string_view{flying_}.substr(flown_);
    auto const sent = co_await socket_->write_some(left, clock::now() + limits_->stall_time);
    stalled_ = stalled_ || sent.late;
    broken_ = sent.bytes == 0;
    bytes_ += sent.bytes;
    flown_ += sent.bytes;
    if (flown_ == flying_.size()) {
      flying_.clear();
      flown_ = 0;
    }
    room_.cancel();
  }
}

}  // namespace server
