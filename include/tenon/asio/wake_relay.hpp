// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tenon {

/// What a relay can wake. `wake` is called on a thread of the execution context and must not run user code.
class wakeable {
 public:
  virtual ~wakeable() = default;
  virtual void wake() = 0;
};

/// One per execution context: carries wakes of many sleepers over in one post, so that a thread outside,
/// which has better things to do, pays for the first of a burst only.
class wake_relay final : public ::boost::asio::execution_context::service {
 public:
  static inline ::boost::asio::execution_context::id id;

  explicit wake_relay(::boost::asio::execution_context& context) : service{context} {}

  /// Wakes `sleeper` soon, on a thread of the context. `executor` is any of the context's. From any thread;
  /// does nothing once the context is being destroyed.
  void announce(std::shared_ptr<wakeable> sleeper, ::boost::asio::any_io_executor const& executor) {
    std::scoped_lock lock{mutex_};
    if (closed_) return;
    announced_.push_back(std::move(sleeper));
    if (std::exchange(under_way_, true)) return;
    ::boost::asio::post(executor, [this] { wake_all(); });
  }

 private:
  /// Sleepers that are announced meanwhile are woken by the same call.
  void wake_all() {
    for (;;) {
      {
        std::scoped_lock lock{mutex_};
        waking_.swap(announced_);
        if (waking_.empty()) {
          under_way_ = false;
          return;
        }
      }
      for (auto const& sleeper : waking_) sleeper->wake();
      waking_.clear();
    }
  }

  void shutdown() override {
    std::vector<std::shared_ptr<wakeable>> dropped;
    std::scoped_lock lock{mutex_};
    closed_ = true;
    dropped.swap(announced_);
  }

  std::mutex mutex_;
  bool closed_ = false;
  bool under_way_ = false;
  std::vector<std::shared_ptr<wakeable>> announced_;
  std::vector<std::shared_ptr<wakeable>> waking_;  // of the one call that is under way
};

}  // namespace tenon
