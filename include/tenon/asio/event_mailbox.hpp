// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "tenon/asio/wake_relay.hpp"
#include "tenon/work/event.hpp"

namespace tenon {

/// Where the engine's thread leaves events and one coroutine takes them: the half of a `token_channel` that
/// handlers in the engine share and may keep for longer. Held by std::shared_ptr.
class event_mailbox final : public wakeable, public std::enable_shared_from_this<event_mailbox> {
 public:
  explicit event_mailbox(::boost::asio::any_io_executor executor)
      : relay_{::boost::asio::use_service<wake_relay>(
            ::boost::asio::query(executor, ::boost::asio::execution::context))},
        signal_{std::make_unique<signal_type>(std::move(executor), 1)} {}

  /// From the engine's thread. Wakes the reader only if it waits.
  void push(event const& happened, bool last_of_request) {
    std::scoped_lock lock{mutex_};
    if (last_of_request) --open_requests_;
    if (!signal_) return;
    events_.push_back(happened);
    if (std::exchange(waiting_, false)) relay_.announce(shared_from_this(), signal_->get_executor());
  }

  /// Moves what there is into `into`. False when there is nothing yet: `wait` then.
  bool take(std::vector<event>& into) {
    into.clear();
    std::scoped_lock lock{mutex_};
    into.swap(events_);
    waiting_ = into.empty() && open_requests_ > 0;
    return !waiting_;
  }

  /// Returns when there may be something. Throws operation_aborted when cancelled.
  ::boost::asio::awaitable<void> wait() {
    auto const [failure] =
        co_await signal_->async_receive(::boost::asio::as_tuple(::boost::asio::use_awaitable));
    if (failure) throw ::boost::system::system_error{::boost::asio::error::operation_aborted};
  }

  /// A signal that nobody waits for yet is kept for whoever will.
  void wake() override {
    std::scoped_lock lock{mutex_};
    if (signal_) signal_->try_send(::boost::system::error_code{});
  }

  void begin_request() {
    std::scoped_lock lock{mutex_};
    ++open_requests_;
  }
  /// Of a request that was begun and not taken by the engine.
  void forget_request() {
    std::scoped_lock lock{mutex_};
    --open_requests_;
  }
  std::int64_t open_requests() const {
    std::scoped_lock lock{mutex_};
    return open_requests_;
  }
  /// Nothing is left and nothing will come.
  bool ended() const {
    std::scoped_lock lock{mutex_};
    return events_.empty() && open_requests_ == 0;
  }

  /// The reader goes: what comes is dropped, and nothing of Asio's is touched any more.
  void close() {
    std::unique_ptr<signal_type> closed;
    std::scoped_lock lock{mutex_};
    closed.swap(signal_);
  }

 private:
  using signal_type = ::boost::asio::experimental::concurrent_channel<void(::boost::system::error_code)>;

  wake_relay& relay_;
  mutable std::mutex mutex_;
  std::unique_ptr<signal_type> signal_;  // until the reader goes
  bool waiting_ = false;
  std::int64_t open_requests_ = 0;
  std::vector<event> events_;
};

}  // namespace tenon
