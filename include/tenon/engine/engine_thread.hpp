// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "tenon/core/error.hpp"
#include "tenon/engine/any_engine.hpp"

namespace tenon {

/// How much an engine thread takes on: requests from reservation, and prompt plus wanted tokens from
/// submission, until their last event.
struct inbox_limits {
  std::int64_t max_requests = 1024;
  std::int64_t max_tokens = std::int64_t{1} << 24;
};

/// The inbox is full: ask again later.
struct overloaded_error : error {
  using error::error;
};

/// The thread has stopped, or its engine has failed; the message says which.
struct stopped_error : error {
  using error::error;
};

/// Owns an engine and the one thread that runs it. Other threads reach it through a bounded inbox; events
/// come on the engine's thread, so a handler posts to its own executor and returns.
class engine_thread {
  /// What is open, shared with reservations and handlers, which may outlive the thread.
  struct books {
    std::atomic<std::int64_t> requests = 0;
    std::atomic<std::int64_t> tokens = 0;
  };

 public:
  /// One request's place, taken before the work of preparing it (tokenizing, say) is done. Gives it back
  /// unless submitted.
  class reservation {
   public:
    reservation(reservation&& other) noexcept : books_{std::move(other.books_)} {}
    reservation& operator=(reservation&& other) noexcept {
      std::swap(books_, other.books_);
      return *this;
    }
    ~reservation() {
      if (books_) books_->requests.fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    friend class engine_thread;
    explicit reservation(std::shared_ptr<books> open) : books_{std::move(open)} {}
    std::shared_ptr<books> books_;
  };

  explicit engine_thread(any_engine engine, inbox_limits limits = {})
      : limits_{limits},
        engine_{std::move(engine)},
        published_{engine_.stats()},
        thread_{[this] { run(); }} {}

  engine_thread(engine_thread const&) = delete;
  engine_thread& operator=(engine_thread const&) = delete;

  /// Stops at once: open requests end with finish_reason::failed. Call `drain` first to let them finish.
  ~engine_thread() {
    stop();
    if (thread_.joinable()) thread_.join();
  }

  /// Nothing, when max_requests are open.
  std::optional<reservation> reserve() {
    if (books_->requests.fetch_add(1, std::memory_order_relaxed) >= limits_.max_requests) {
      books_->requests.fetch_sub(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    return reservation{books_};
  }

  /// Hands a request to the engine. Throws request_error for one that can never be served, overloaded_error
  /// when its tokens do not fit, stopped_error when the thread has ended; `handler` is not called then.
  request_id submit(reservation place, request wish, event_handler handler) {
    engine_.check(wish);
    auto const tokens =
        static_cast<std::int64_t>(wish.prompt.size()) + std::int64_t{wish.max_new_tokens} * wish.choices;
    if (books_->tokens.fetch_add(tokens, std::memory_order_relaxed) + tokens > limits_.max_tokens) {
      books_->tokens.fetch_sub(tokens, std::memory_order_relaxed);
      throw overloaded_error{"the queue holds too many tokens: expected at most " +
                             std::to_string(limits_.max_tokens)};
    }
    auto const id = engine_.next_id();
    auto closing = closing_handler(id, wish.choices, tokens, std::move(place), std::move(handler));
    post(submission{id, std::move(wish), std::move(closing)});
    return id;
  }

  /// The same with a place of its own. Throws overloaded_error when there is none.
  request_id submit(request wish, event_handler handler) {
    auto place = reserve();
    if (!place)
      throw overloaded_error{"the queue is full: expected at most " + std::to_string(limits_.max_requests) +
                             " open requests"};
    return submit(std::move(*place), std::move(wish), std::move(handler));
  }

  /// Asks for the end of a request, or of one of its choices; their last events say what became of them.
  /// Unknown and ended ones are ignored.
  void cancel(request_id id, std::int32_t choice = every_choice) noexcept {
    try {
      post(cancellation{id, choice});
    } catch (stopped_error const&) {  // then every request has ended
    }
  }

  /// Takes nothing new, finishes what is open, and returns when the thread has ended.
  void drain() {
    {
      std::scoped_lock lock{mutex_};
      draining_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  /// Takes nothing new and ends open requests with finish_reason::failed, soon.
  void stop() noexcept {
    {
      std::scoped_lock lock{mutex_};
      stopping_ = true;
    }
    wake_.notify_one();
  }

  /// As of the end of a recent step.
  engine_stats stats() const {
    std::scoped_lock lock{stats_mutex_};
    return published_;
  }

  engine_description const& description() const noexcept { return engine_.description(); }

  /// Why the engine failed, if it did; then the thread has ended and the process should too.
  std::optional<std::string> failure() const {
    std::scoped_lock lock{mutex_};
    return failure_;
  }

  inbox_limits const& limits() const noexcept { return limits_; }

  std::int64_t open_requests() const noexcept { return books_->requests.load(std::memory_order_relaxed); }

 private:
  /// What a request holds of the limits until its last event, or until its handler is dropped unheard.
  class open_request {
   public:
    open_request(reservation place, std::shared_ptr<books> open, std::int64_t tokens, std::int32_t choices)
        : place_{std::move(place)}, books_{std::move(open)}, tokens_{tokens}, choices_{choices} {}
    open_request(open_request const&) = delete;
    open_request& operator=(open_request const&) = delete;
    ~open_request() { give_back(); }

    void close_choice() {
      if (--choices_ == 0) give_back();
    }

   private:
    void give_back() {
      if (!place_) return;
      place_.reset();
      books_->tokens.fetch_sub(tokens_, std::memory_order_relaxed);
    }

    std::optional<reservation> place_;
    std::shared_ptr<books> books_;
    std::int64_t tokens_;
    std::int32_t choices_;
  };

  struct submission {
    request_id id;
    request wish;
    event_handler handler;
  };
  struct cancellation {
    request_id id;
    std::int32_t choice;
  };
  using message = std::variant<submission, cancellation>;

  /// Gives the request's place and tokens back at its last event, and turns a throwing handler into a
  /// cancellation.
  event_handler closing_handler(request_id id, std::int32_t choices, std::int64_t tokens, reservation place,
                                event_handler handler) {
    auto const open = std::make_shared<open_request>(std::move(place), books_, tokens, choices);
    return [this, id, open, handler = std::move(handler)](event const& happened) {
      if (happened.finish != finish_reason::none) open->close_choice();
      try {
        handler(happened);
      } catch (...) {
        cancel(id);
      }
    };
  }

  void post(message letter) {
    {
      std::scoped_lock lock{mutex_};
      if (failure_) throw stopped_error{"the engine has failed: " + *failure_};
      if (stopping_ || draining_) {
        if (std::holds_alternative<submission>(letter)) throw stopped_error{"the engine is shutting down"};
        if (ended_) throw stopped_error{"the engine has stopped"};
      }
      inbox_.push_back(std::move(letter));
    }
    wake_.notify_one();
  }

  void run() {
    std::vector<message> letters;
    try {
      while (take(letters)) {
        for (auto& letter : letters) handle(letter);
        letters.clear();
        engine_.run_one_step();
        publish();
      }
      end(std::nullopt, "the engine is shutting down", letters);
    } catch (std::exception const& failed) {
      end(failed.what(), failed.what(), letters);
    }
  }

  /// Moves the inbox into `letters`, waiting while there is nothing to do. False when it is time to end.
  bool take(std::vector<message>& letters) {
    bool const idle = engine_.idle();
    if (idle) publish_last();
    std::unique_lock lock{mutex_};
    if (idle) wake_.wait(lock, [this] { return !inbox_.empty() || stopping_ || draining_; });
    letters.swap(inbox_);
    return !stopping_ && !(draining_ && letters.empty() && engine_.idle());
  }

  void handle(message& letter) {
    if (auto* const wanted = std::get_if<submission>(&letter)) {
      engine_.submit(wanted->id, std::move(wanted->wish), std::move(wanted->handler));
    } else {
      auto const& unwanted = std::get<cancellation>(letter);
      engine_.cancel(unwanted.id, unwanted.choice);
    }
  }

  /// Never blocks the loop: when a reader holds the lock, the next step publishes.
  void publish() {
    std::unique_lock lock{stats_mutex_, std::try_to_lock};
    if (lock) published_ = engine_.stats();
  }

  /// No step follows that would publish what a reader was in the way of.
  void publish_last() {
    std::scoped_lock lock{stats_mutex_};
    published_ = engine_.stats();
  }

  void end(std::optional<std::string> failure, std::string const& reason, std::vector<message>& letters) {
    {
      std::scoped_lock lock{mutex_};
      ended_ = true;
      stopping_ = true;
      failure_ = std::move(failure);
      for (auto& letter : inbox_) letters.push_back(std::move(letter));
      inbox_.clear();
    }
    engine_.abandon(reason);
    for (auto& letter : letters) {
      auto* const refused = std::get_if<submission>(&letter);
      if (refused == nullptr || !refused->handler) continue;  // taken before the failure
      for (std::int32_t choice = 0; choice < refused->wish.choices; ++choice) {
        refused->handler(
            {.request = refused->id, .choice = choice, .finish = finish_reason::failed, .message = reason});
      }
    }
    publish_last();
  }

  inbox_limits limits_;
  any_engine engine_;
  std::shared_ptr<books> books_ = std::make_shared<books>();
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<message> inbox_;
  bool draining_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  std::optional<std::string> failure_;
  mutable std::mutex stats_mutex_;
  engine_stats published_;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace tenon
