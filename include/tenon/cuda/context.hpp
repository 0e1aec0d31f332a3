// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "tenon/backend/backend.hpp"
#include "tenon/backend/buffer.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/error.hpp"
#include "tenon/cuda/device.hpp"
#include "tenon/cuda/gemm_cache.hpp"
#include "tenon/cuda/status.hpp"

namespace tenon::cuda {

struct context_options {
  int device = 0;
};

/// A stream of one device, a cuBLASLt handle, and the scratch memory of ops. One thread uses a context at a
/// time, whichever it is; everything that it enqueues runs in order. Whatever allocates or enqueues makes the
/// context's device the calling thread's.
class context {
 public:
  /// Throws device_error if there is no such device, or the driver or the device is too old.
  explicit context(context_options const& options = {}) : properties_{open_device(options.device)} {
    for (auto* stream : {&stream_, &copies_in_, &copies_out_})
      check(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking));
    check(cublasLtCreate(&blas_));
    for (auto& event : events_) check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    check(cudaEventCreateWithFlags(&copied_in_, cudaEventDisableTiming));
    check(cudaEventCreateWithFlags(&worked_, cudaEventDisableTiming));
  }

  context(context const&) = delete;
  context& operator=(context const&) = delete;

  ~context() {
    cudaSetDevice(properties_.device);
    cudaStreamSynchronize(stream_);
    cudaStreamSynchronize(copies_out_);
    for (auto event : events_) cudaEventDestroy(event);
    cudaEventDestroy(copied_in_);
    cudaEventDestroy(worked_);
    cublasLtDestroy(blas_);
    for (auto stream : {stream_, copies_in_, copies_out_}) cudaStreamDestroy(stream);
  }

  /// Memory of the device, not filled; throws options_error naming the bytes asked for, those that are free
  /// and those that are missing.
  void* allocate(std::size_t bytes) {
    select_device(properties_.device);
    void* block = nullptr;
    auto const status = cudaMalloc(&block, std::max<std::size_t>(bytes, 1));
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // it is reported here and must not be found by a later check
      auto const free = free_bytes();
      throw options_error{"device memory: expected " + std::to_string(bytes) + " free bytes, found " +
                          std::to_string(free) + ": " +
                          (free < bytes ? std::to_string(bytes - free) + " are missing"
                                        : std::string{"they are not in one piece"})};
    }
    check(status);
    return block;
  }

  void release(void* block, std::size_t) noexcept { cudaFree(block); }

  std::size_t free_bytes() const {
    select_device(properties_.device);
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total));
    return free;
  }

  void copy_in(void* device, void const* host, std::size_t bytes) {
    copy_in_async(device, host, bytes);
    wait();
  }
  void copy_out(void* host, void const* device, std::size_t bytes) {
    copy_out_async(host, device, bytes);
    wait();
  }

  /// Enqueues zeroing.
  void clear(void* device, std::size_t bytes) { check(cudaMemsetAsync(device, 0, bytes, stream())); }

  /// A place behind enqueued work. Marks share `most_marks` events in turn: a copy's is to be waited for
  /// before so many others are made; one of `record` stands for a later one from then on.
  struct mark {
    cudaEvent_t event = nullptr;
  };
  static constexpr std::size_t most_marks = 16;

  mark record() { return record_on(stream()); }
  /// Waits for everything enqueued, copies included.
  void wait() {
    check(cudaStreamSynchronize(stream_));
    check(cudaStreamSynchronize(copies_out_));
  }
  void wait(mark to) { check(cudaEventSynchronize(to.event)); }

  void* allocate_staging(std::size_t bytes) {
    select_device(properties_.device);
    void* block = nullptr;
    check(cudaHostAlloc(&block, std::max<std::size_t>(bytes, 1), cudaHostAllocDefault));
    return block;
  }
  void release_staging(void* block, std::size_t) noexcept { cudaFreeHost(block); }
  void copy_in_async(void* device, void const* host, std::size_t bytes) {
    check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream()));
  }
  void copy_out_async(void* host, void const* device, std::size_t bytes) {
    check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream()));
  }

  /// Copies beside the enqueued work: see requirement::overlaps_copies. A step's batch arrives while the step
  /// before it runs, and its ids leave while the next one runs.
  void copy_in_ahead(void* device, void const* host, std::size_t bytes) {
    auto const work = stream();
    check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, copies_in_));
    check(cudaEventRecord(copied_in_, copies_in_));
    check(cudaStreamWaitEvent(work, copied_in_));
  }
  mark copy_out_behind(void* host, void const* device, std::size_t bytes) {
    check(cudaEventRecord(worked_, stream()));
    check(cudaStreamWaitEvent(copies_out_, worked_));
    check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, copies_out_));
    return record_on(copies_out_);
  }

  /// Kernels and products start on the calling thread's device: it becomes the context's.
  cudaStream_t stream() const {
    select_device(properties_.device);
    return stream_;
  }
  cublasLtHandle_t blas() const noexcept { return blas_; }
  device_properties const& properties() const noexcept { return properties_; }
  /// cuBLASLt's algorithms for the products seen so far.
  gemm_cache& gemms() noexcept { return gemms_; }

  /// Where products run.
  gemm_place products_place() const {
    return {.blas = blas_,
            .stream = stream(),
            .workspace = scratch_.blas.data,
            .workspace_bytes = scratch_.blas.bytes};
  }

  /// Bytes that the ops need for these sizes, all of them together.
  static std::size_t scratch_bytes(scratch_sizes const& sizes) {
    carver counting;
    lay_out(counting, sizes);
    return counting.used();
  }

  /// Gives the ops their scratch memory, of `scratch_bytes(sizes)` bytes, which must outlive its use. Ops use
  /// it one after the other; none finds what another left. Throws options_error before memory is given.
  void use_scratch(std::byte* memory, scratch_sizes const& sizes) {
    carver carving{memory, scratch_bytes(sizes)};
    scratch_ = lay_out(carving, sizes);
    clear(scratch_.counters.data, scratch_.counters.bytes);
  }

  /// 16-bit activations [max_tokens, widest input]: a norm's result on its way to a projection.
  void* normed_scratch(std::size_t bytes) const { return checked(scratch_.normed, bytes, "normed"); }
  /// A projection's result on its way to its next use: [max_tokens, qkv_width] floats or [max_tokens, 2 *
  /// ffn] of 16 bits.
  void* projected_scratch(std::size_t bytes) const { return checked(scratch_.projected, bytes, "projected"); }
  /// Partial results of blocks that share an output.
  void* partial_scratch(std::size_t bytes) const { return checked(scratch_.partials, bytes, "partial"); }
  /// Counters of blocks that have arrived: zero before every kernel, which leaves them zero.
  std::int32_t* counters(std::size_t count) const {
    return static_cast<std::int32_t*>(checked(scratch_.counters, count * sizeof(std::int32_t), "counter"));
  }
  /// cuBLASLt's.
  void* blas_workspace() const noexcept { return scratch_.blas.data; }
  std::size_t blas_workspace_bytes() const noexcept { return scratch_.blas.bytes; }

 private:
  mark record_on(cudaStream_t stream) {
    auto const event = events_[next_event_++ % most_marks];
    check(cudaEventRecord(event, stream));
    return {event};
  }

  struct region {
    void* data = nullptr;
    std::size_t bytes = 0;
  };
  struct scratch_regions {
    region normed, projected, partials, counters, blas;
  };

  static scratch_regions lay_out(carver& memory, scratch_sizes const& sizes) {
    auto const take = [&](checked_size bytes) {
      return region{memory.take<std::byte>(bytes), bytes.value()};
    };
    checked_size const tokens{sizes.max_tokens};
    auto const widest_input = std::max({sizes.hidden, sizes.ffn, sizes.query_width});
    auto const widest_result = std::max(4 * sizes.qkv_width, 4 * sizes.ffn);
    scratch_regions made;
    made.normed = take(tokens * checked_size{2 * widest_input});
    made.projected = take(tokens * checked_size{widest_result});
    made.partials = take(checked_size{std::size_t{24} << 20} +
                         checked_size{sizes.max_rows} * checked_size{16 * sizes.query_width});
    made.counters = take(checked_size{std::size_t{1} << 18});
    made.blas = take(checked_size{std::size_t{32} << 20});
    return made;
  }

  static void* checked(region const& found, std::size_t bytes, char const* name) {
    if (bytes > found.bytes) {
      throw options_error{std::string{"an op needs "} + std::to_string(bytes) + " bytes of " + name +
                          " scratch memory, found " + std::to_string(found.bytes) +
                          ": give use_scratch the model's widths and the largest batch"};
    }
    return found.data;
  }

  device_properties properties_;
  cudaStream_t stream_ = nullptr;
  cudaStream_t copies_in_ = nullptr;
  cudaStream_t copies_out_ = nullptr;
  cudaEvent_t copied_in_ = nullptr;  ///< by the latest copy_in_ahead
  cudaEvent_t worked_ = nullptr;     ///< what the latest copy_out_behind waits for
  cublasLtHandle_t blas_ = nullptr;
  std::array<cudaEvent_t, most_marks> events_{};
  std::size_t next_event_ = 0;
  gemm_cache gemms_;
  scratch_regions scratch_;
};

}  // namespace tenon::cuda
