// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <stop_token>
#include <thread>
#include <utility>

namespace tenon {

/// A thread that brings weights to memory whose addresses are already in use.
class weight_arrival {
 public:
  /// Calls bring(stop_token) on the thread; it should return soon once a stop is requested.
  template <class Bring>
  explicit weight_arrival(Bring bring)
      : thread_{[this, bring = std::move(bring)](std::stop_token stop) mutable {
          try {
            bring(std::move(stop));
          } catch (...) {
            failure_ = std::current_exception();
          }
        }} {}

  weight_arrival(weight_arrival const&) = delete;
  weight_arrival& operator=(weight_arrival const&) = delete;

  /// Requests a stop, and waits for it.
  ~weight_arrival() = default;

  /// Waits until everything is there; throws what `bring` threw.
  void wait() {
    if (thread_.joinable()) thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
  std::jthread thread_;
};

}  // namespace tenon
