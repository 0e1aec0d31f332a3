// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace tenon::cpu {

/// Threads that wait for work between calls: a fork and join costs about a microsecond, so that a decoder
/// layer can have several. The calling thread works too; a team of one has no other thread.
///
/// `run` is called by one thread at a time and never from inside a part.
class thread_team {
 public:
  /// threads: workers in all, the caller among them; at least 1.
  explicit thread_team(int threads) {
    for (int worker = 1; worker < threads; ++worker) {
      threads_.emplace_back([this, worker] { serve(worker); });
    }
  }

  thread_team(thread_team const&) = delete;
  thread_team& operator=(thread_team const&) = delete;

  ~thread_team() {
    stopping_.store(true, std::memory_order_relaxed);
    announce(0);
    for (auto& thread : threads_) thread.join();
  }

  /// Workers in all; `worker` below is less than this.
  int size() const noexcept { return static_cast<int>(threads_.size()) + 1; }

  /// Calls f(part, worker) once for every part in [0, parts), in no particular order, and returns when all
  /// have returned. Parts are taken one by one, so that a slow thread takes fewer. A part that throws ends
  /// the program: parts report failures through their results.
  template <class F> void run(std::int32_t parts, F const& f) {
    if (parts <= 0) return;
    if (parts == 1 || threads_.empty()) {
      for (std::int32_t part = 0; part < parts; ++part) call<F>(&f, part, 0);
      return;
    }
    job_.store(&call<F>, std::memory_order_relaxed);
    argument_.store(&f, std::memory_order_relaxed);
    parts_.store(parts, std::memory_order_relaxed);
    unfinished_.store(parts, std::memory_order_relaxed);
    auto const epoch = announce(parts);
    take_parts(epoch, 0);
    join();
  }

 private:
  using job = void (*)(void const*, std::int32_t, int) noexcept;

  // About 50 microseconds: longer than the serial stretch between two ops and than the wait for the last part
  // of one, since waking a sleeper takes as long on a virtual machine; shorter than a time slice.
  static constexpr int spins = 1500;

  template <class F> static void call(void const* f, std::int32_t part, int worker) noexcept {
    (*static_cast<F const*>(f))(part, worker);
  }

  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  // The upper half of `claims_` names the run, the lower half counts the parts that nobody took yet: a thread
  // that wakes late cannot take a part of a run that it did not see, and nobody waits for it.
  std::uint32_t announce(std::int32_t parts) noexcept {
    auto const epoch = epoch_.load(std::memory_order_relaxed) + 1;
    claims_.store((static_cast<std::uint64_t>(epoch) << 32) | static_cast<std::uint32_t>(parts),
                  std::memory_order_release);
    epoch_.store(epoch, std::memory_order_release);
    epoch_.notify_all();
    return epoch;
  }

  void take_parts(std::uint32_t epoch, int worker) noexcept {
    // Read before the claim, which proves them to be of this run: while a part is left, the caller cannot
    // have set up another.
    auto const run_part = job_.load(std::memory_order_relaxed);
    auto const* const argument = argument_.load(std::memory_order_relaxed);
    auto const parts = parts_.load(std::memory_order_relaxed);
    auto claim = claims_.load(std::memory_order_acquire);
    for (;;) {
      auto const left = static_cast<std::int32_t>(claim & 0xffff'ffffu);
      if (static_cast<std::uint32_t>(claim >> 32) != epoch || left == 0) return;
      if (!claims_.compare_exchange_weak(claim, claim - 1, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
        continue;
      }
      run_part(argument, parts - left, worker);
      if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
      claim = claims_.load(std::memory_order_acquire);
    }
  }

  void join() noexcept {
    for (int i = 0; i < spins; ++i) {
      if (unfinished_.load(std::memory_order_acquire) == 0) return;
      pause();
    }
    for (auto left = unfinished_.load(std::memory_order_acquire); left != 0;
         left = unfinished_.load(std::memory_order_acquire)) {
      unfinished_.wait(left, std::memory_order_acquire);
    }
  }

  void serve(int worker) noexcept {
    std::uint32_t seen = 0;
    for (;;) {
      for (int i = 0; i < spins && epoch_.load(std::memory_order_acquire) == seen; ++i) pause();
      epoch_.wait(seen, std::memory_order_acquire);
      seen = epoch_.load(std::memory_order_acquire);
      if (stopping_.load(std::memory_order_relaxed)) return;
      take_parts(seen, worker);
    }
  }

  alignas(64) std::atomic<std::uint32_t> epoch_{0};
  std::atomic<job> job_{nullptr};
  std::atomic<void const*> argument_{nullptr};
  std::atomic<std::int32_t> parts_{0};
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<std::uint64_t> claims_{0};
  alignas(64) std::atomic<std::int32_t> unfinished_{0};
  std::vector<std::thread> threads_;
};

}  // namespace tenon::cpu
