// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "tenon/backend/backend.hpp"
#include "tenon/backend/buffer.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/error.hpp"
#include "tenon/cpu/instruction_set.hpp"
#include "tenon/cpu/thread_team.hpp"

namespace tenon::cpu {

struct context_options {
  int threads = 0;                                    ///< 0: all that this process may run on
  instruction_set at_most = instruction_set::avx512;  ///< a lower one, to compare or to test
};

/// A thread team, scratch memory and the choice of machine code: what every op runs with. "Device" memory is
/// host memory, so nothing is staged. One thread uses a context at a time.
class context {
 public:
  explicit context(context_options const& options = {})
      : instructions_{std::min(options.at_most, best_instruction_set())},
        team_{thread_count(options.threads)},
        worker_scratch_{make_scratch(static_cast<std::size_t>(team_.size()) * worker_scratch_bytes)} {}

  context(context const&) = delete;
  context& operator=(context const&) = delete;

  /// Zeroed memory, aligned to 256 bytes; throws options_error naming the bytes asked for.
  void* allocate(std::size_t bytes) {
    // Streaming many megabytes is bound by address translation unless pages are large.
    bool const large = bytes >= large_block;
    std::size_t const alignment = large ? large_page : block_alignment;
    std::size_t const size = round_up(std::max<std::size_t>(bytes, 1), alignment);
    void* const block = size < bytes ? nullptr : std::aligned_alloc(alignment, size);
    if (block == nullptr) {
      throw options_error{"the machine cannot give " + std::to_string(bytes) + " bytes of memory"};
    }
#if defined(__linux__)
    if (large) madvise(block, size, MADV_HUGEPAGE);  // advice: a kernel that refuses is only slower
#endif
    std::memset(block, 0, size);
    return block;
  }

  void release(void* block, std::size_t) noexcept { std::free(block); }

  void clear(void* block, std::size_t bytes) noexcept {
    if (bytes != 0) std::memset(block, 0, bytes);
  }
  void copy_in(void* device, void const* host, std::size_t bytes) noexcept { copy(device, host, bytes); }
  void copy_out(void* host, void const* device, std::size_t bytes) noexcept { copy(host, device, bytes); }
  /// Ops are done when they return, so a mark has nothing to say.
  struct mark {};
  mark record() noexcept { return {}; }
  void wait() noexcept {}
  void wait(mark) noexcept {}

  void* allocate_staging(std::size_t bytes) { return allocate(bytes); }
  void release_staging(void* block, std::size_t bytes) noexcept { release(block, bytes); }
  void copy_in_async(void* device, void const* host, std::size_t bytes) noexcept {
    copy(device, host, bytes);
  }
  void copy_out_async(void* host, void const* device, std::size_t bytes) noexcept {
    copy(host, device, bytes);
  }
  void copy_in_ahead(void* device, void const* host, std::size_t bytes) noexcept {
    copy(device, host, bytes);
  }
  mark copy_out_behind(void* host, void const* device, std::size_t bytes) noexcept {
    copy(host, device, bytes);
    return {};
  }

  thread_team& team() noexcept { return team_; }
  int workers() const noexcept { return team_.size(); }
  instruction_set instructions() const noexcept { return instructions_; }

  /// Bytes of scratch memory that the ops need for these sizes, besides what the context holds from the
  /// start.
  static std::size_t scratch_bytes(scratch_sizes const& sizes) {
    carver counting;
    counting.take<float>(input_floats(sizes));
    counting.take<float>(output_floats(sizes));
    return counting.used();
  }

  /// Gives the ops their scratch memory, of `scratch_bytes(sizes)` bytes, aligned to 256, before the first
  /// op. It must outlive them.
  void use_scratch(std::byte* memory, scratch_sizes const& sizes) {
    carver carving{memory, scratch_bytes(sizes)};
    inputs_ = {carving.take<float>(input_floats(sizes)), input_floats(sizes).value()};
    outputs_ = {carving.take<float>(output_floats(sizes)), output_floats(sizes).value()};
  }

  /// The same with memory of the context's own, for ops over up to `max_tokens` tokens of a model of these
  /// widths (qkv_width: query, key and value heads together). Throws options_error.
  void reserve(std::int32_t hidden, std::int32_t ffn, std::int32_t qkv_width, std::int32_t max_tokens) {
    if (hidden <= 0 || ffn <= 0 || qkv_width <= 0 || max_tokens <= 0) {
      throw options_error{"reserve: expected positive widths and tokens, found hidden " +
                          std::to_string(hidden) + ", ffn " + std::to_string(ffn) + ", qkv_width " +
                          std::to_string(qkv_width) + ", max_tokens " + std::to_string(max_tokens)};
    }
    scratch_sizes const sizes{.hidden = hidden, .ffn = ffn, .qkv_width = qkv_width, .max_tokens = max_tokens};
    auto block = make_scratch(scratch_bytes(sizes));
    use_scratch(block.get(), sizes);
    own_scratch_ = std::move(block);
  }

  /// The widened or normalised input of a projection, at most [max_tokens, widest input].
  float* input_scratch(std::int64_t floats) const { return checked(inputs_, floats); }

  /// Floats that `input_scratch` can give.
  std::int64_t input_capacity() const noexcept { return static_cast<std::int64_t>(inputs_.floats); }

  /// A projection's output on its way to its next use, at most [max_tokens, qkv_width].
  float* output_scratch(std::int64_t floats) const { return checked(outputs_, floats); }

  /// What each worker has for itself: `worker_scratch_bytes`, aligned to 256 bytes.
  std::byte* worker_scratch(int worker) const noexcept {
    return worker_scratch_.get() + static_cast<std::size_t>(worker) * worker_scratch_bytes;
  }

  /// Room for the tiles of a matrix product or for one block of attention.
  static constexpr std::size_t worker_scratch_bytes = std::size_t{1} << 20;

 private:
  struct free_scratch {
    void operator()(std::byte* block) const noexcept { std::free(block); }
  };
  using scratch_block = std::unique_ptr<std::byte, free_scratch>;

  struct float_scratch {
    float* data = nullptr;
    std::size_t floats = 0;
  };

  static constexpr std::size_t block_alignment = 256;
  static constexpr std::size_t large_page = std::size_t{2} << 20;
  static constexpr std::size_t large_block = std::size_t{8} << 20;

  static int thread_count(int asked) {
    if (asked < 0 || asked > 4096) {
      throw options_error{"threads: expected 0 (all) to 4096, found " + std::to_string(asked)};
    }
    if (asked > 0) return asked;
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }

  static checked_size input_floats(scratch_sizes const& sizes) {
    return checked_size{std::max({sizes.hidden, sizes.ffn, sizes.qkv_width})} * sizes.max_tokens;
  }

  static checked_size output_floats(scratch_sizes const& sizes) {
    return checked_size{sizes.qkv_width} * sizes.max_tokens;
  }

  scratch_block make_scratch(std::size_t bytes) {
    return scratch_block{static_cast<std::byte*>(allocate(bytes))};
  }

  static float* checked(float_scratch const& scratch, std::int64_t floats) {
    if (static_cast<std::size_t>(floats) > scratch.floats) {
      throw options_error{"an op needs " + std::to_string(floats) + " floats of scratch memory, but only " +
                          std::to_string(scratch.floats) +
                          " are there: call context.reserve with the model's widths and the largest batch"};
    }
    return scratch.data;
  }

  static void copy(void* to, void const* from, std::size_t bytes) noexcept {
    if (bytes != 0) std::memmove(to, from, bytes);
  }

  instruction_set instructions_;
  thread_team team_;
  scratch_block worker_scratch_;
  scratch_block own_scratch_;
  float_scratch inputs_;
  float_scratch outputs_;
};

}  // namespace tenon::cpu
