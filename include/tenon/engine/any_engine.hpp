// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tenon/engine/engine.hpp"

namespace tenon {

/// What a program must know of an engine whose recipe it does not know.
struct engine_description {
  std::string model;
  std::string precision;
  std::string backend;
  std::string scheduler;
  std::string cache;
  std::string launch;
  std::int32_t vocabulary = 0;
  std::int32_t max_context = 0;
  std::int32_t max_rows = 0;
  std::int32_t max_tokens = 0;
  std::int32_t cache_block_tokens = 0;  ///< positions that the cache hands out at a time
  std::int64_t cache_blocks = 0;
};

/// One of several engines, chosen at run time: the one virtual interface. A virtual call a request or a step,
/// none a row or a kernel. The same thread rules as `engine`: `check` and `next_id` from anywhere, the rest
/// from one thread.
class any_engine {
 public:
  any_engine() = default;

  template <recipe R>
  explicit any_engine(std::unique_ptr<engine<R>> made)
      : self_{std::make_unique<holder<R>>(std::move(made))} {}

  explicit operator bool() const noexcept { return self_ != nullptr; }

  request_id next_id() noexcept { return self_->next_id(); }
  void check(request const& wish) const { self_->check(wish); }
  void submit(request_id id, request wish, event_handler handler) {
    self_->submit(id, std::move(wish), std::move(handler));
  }
  request_id submit(request wish, event_handler handler) {
    auto const id = next_id();
    submit(id, std::move(wish), std::move(handler));
    return id;
  }
  bool cancel(request_id id, std::int32_t choice = every_choice) { return self_->cancel(id, choice); }
  bool run_one_step() { return self_->run_one_step(); }
  bool idle() const { return self_->idle(); }
  void abandon(std::string const& message) { self_->abandon(message); }
  engine_stats stats() const { return self_->stats(); }
  engine_description const& description() const noexcept { return self_->description; }

 private:
  struct interface {
    engine_description description;

    virtual ~interface() = default;
    virtual request_id next_id() noexcept = 0;
    virtual void check(request const& wish) const = 0;
    virtual void submit(request_id id, request wish, event_handler handler) = 0;
    virtual bool cancel(request_id id, std::int32_t choice) = 0;
    virtual bool run_one_step() = 0;
    virtual bool idle() const = 0;
    virtual void abandon(std::string const& message) = 0;
    virtual engine_stats stats() const = 0;
  };

  template <recipe R> struct holder final : interface {
    explicit holder(std::unique_ptr<engine<R>> held) : made{std::move(held)} {
      this->description = {.model = std::string{R::model::name},
                           .precision = std::string{R::precision::name},
                           .backend = std::string{R::backend::name},
                           .scheduler = std::string{R::scheduler::name},
                           .cache = std::string{R::cache::name},
                           .launch = std::string{R::launch::name},
                           .vocabulary = R::model::shape.vocabulary,
                           .max_context = made->options().max_context,
                           .max_rows = made->options().max_rows,
                           .max_tokens = made->options().max_tokens,
                           .cache_block_tokens = R::cache::page_tokens(made->options().max_context),
                           .cache_blocks = made->stats().pages.total};
    }

    request_id next_id() noexcept override { return made->next_id(); }
    void check(request const& wish) const override { made->check(wish); }
    void submit(request_id id, request wish, event_handler handler) override {
      made->submit(id, std::move(wish), std::move(handler));
    }
    bool cancel(request_id id, std::int32_t choice) override { return made->cancel(id, choice); }
    bool run_one_step() override { return made->run_one_step(); }
    bool idle() const override { return made->idle(); }
    void abandon(std::string const& message) override { made->abandon(message); }
    engine_stats stats() const override { return made->stats(); }

    std::unique_ptr<engine<R>> made;
  };

  std::unique_ptr<interface> self_;
};

}  // namespace tenon
