// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "tenon/asio/event_mailbox.hpp"
#include "tenon/core/error.hpp"
#include "tenon/engine/engine_thread.hpp"

namespace tenon {

/// The events of one or several requests as an awaitable stream, for coroutines of any Asio executor.
///
///   token_channel channel{co_await this_coro::executor, engine, wish};
///   while (!channel.ended())
///     for (event const& happened : co_await channel.next()) ...
///
/// Nothing is lost, and the stream ends with the last event of what was submitted. What is still open when
/// the channel goes is cancelled. One coroutine at a time uses a channel; the engine thread and the
/// executor's context outlive it. Events that come while nobody waits are handed out together, and one wake
/// carries those of many channels over: on the engine's thread an event costs a copy and an uncontended lock.
class token_channel {
 public:
  token_channel(::boost::asio::any_io_executor executor, engine_thread& engine)
      : engine_{engine}, mailbox_{std::make_shared<event_mailbox>(std::move(executor))} {}

  /// With a first request. Throws like `submit`.
  token_channel(::boost::asio::any_io_executor executor, engine_thread& engine, request wish)
      : token_channel{std::move(executor), engine} {
    submit(std::move(wish));
  }

  token_channel(token_channel const&) = delete;
  token_channel& operator=(token_channel const&) = delete;

  ~token_channel() {
    cancel();
    mailbox_->close();
  }

  /// Adds a request; its events are those with this id. Throws request_error, overloaded_error and
  /// stopped_error like `engine_thread::submit`, and is then as if it had not been called.
  request_id submit(engine_thread::reservation place, request wish) {
    if (mailbox_->open_requests() == 0) ids_.clear();
    ids_.reserve(ids_.size() + 1);
    mailbox_->begin_request();
    try {
      auto hear = [mailbox = mailbox_, choices = wish.choices](event const& happened) mutable {
        bool const last = happened.finish != finish_reason::none && --choices == 0;
        mailbox->push(happened, last);
      };
      ids_.push_back(engine_.submit(std::move(place), std::move(wish), std::move(hear)));
    } catch (...) {
      mailbox_->forget_request();
      throw;
    }
    return ids_.back();
  }

  /// The same with a place of its own.
  request_id submit(request wish) {
    auto place = engine_.reserve();
    if (!place) throw overloaded_error{"the queue is full"};
    return submit(std::move(*place), std::move(wish));
  }

  /// What has happened since the last call, in order, at least one event: waits for it. Empty when the stream
  /// has ended. Valid until the next call. Throws boost::system::system_error (operation_aborted) when the
  /// waiting coroutine is cancelled; the channel stays usable.
  ::boost::asio::awaitable<std::span<event const>> next() {
    while (!mailbox_->take(taken_)) co_await mailbox_->wait();
    co_return std::span<event const>{taken_};
  }

  /// Whether every event of what was submitted has been handed out.
  bool ended() const { return mailbox_->ended(); }

  /// Asks for the end of one choice of a request, of one request, or of all: their last events say what
  /// became of them.
  void cancel(request_id id, std::int32_t choice = every_choice) noexcept { engine_.cancel(id, choice); }
  void cancel() noexcept {
    if (mailbox_->open_requests() == 0) return;
    for (auto const id : ids_) engine_.cancel(id);
  }

 private:
  engine_thread& engine_;
  std::shared_ptr<event_mailbox> mailbox_;
  std::vector<request_id> ids_;  // of requests that may be open
  std::vector<event> taken_;     // swapped with the mailbox's, so that both keep their memory
};

}  // namespace tenon
