// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <stop_token>
#include <thread>
#include <utility>

#include "tenon/model/weights.hpp"

namespace tenon {

/// Weights that a thread of their own brings. The end of this object requests a stop, and waits for it.
class background_arrival final : public weight_arrival {
 public:
  /// Calls bring(stop_token) on the thread; it should return soon once a stop is requested.
  template <class Bring>
  explicit background_arrival(Bring bring)
      : thread_{[this, bring = std::move(bring)](std::stop_token stop) mutable {
          try {
            bring(std::move(stop));
          } catch (...) {
            failure_ = std::current_exception();
          }
        }} {}

  /// Waits until everything is there; throws what `bring` threw.
  void wait() override {
    if (thread_.joinable()) thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
  std::jthread thread_;
};

}  // namespace tenon
