// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "tenon/backend/backend.hpp"
#include "tenon/core/checked_size.hpp"
#include "tenon/core/error.hpp"

namespace tenon {

/// What every carved piece is aligned to: a cache line pair on the host, a full transaction on a device.
inline constexpr std::size_t buffer_alignment = 256;

namespace detail {

/// Where a `memory_block` takes its memory from: the device's memory, or the host's that copies may touch.
struct device_memory {
  template <class Context> static void* allocate(Context& context, std::size_t bytes) {
    return context.allocate(bytes);
  }
  template <class Context> static void release(Context& context, void* data, std::size_t bytes) noexcept {
    context.release(data, bytes);
  }
};

struct staging_memory {
  template <class Context> static void* allocate(Context& context, std::size_t bytes) {
    return context.allocate_staging(bytes);
  }
  template <class Context> static void release(Context& context, void* data, std::size_t bytes) noexcept {
    context.release_staging(data, bytes);
  }
};

}  // namespace detail

/// Owns memory of one context, which must outlive it. Movable, not copyable.
template <backend B, class Memory> class memory_block {
 public:
  memory_block() = default;
  memory_block(typename B::context& context, std::size_t bytes)
      : context_{&context}, data_{Memory::allocate(context, bytes)}, bytes_{bytes} {}

  memory_block(memory_block&& other) noexcept { swap(other); }
  memory_block& operator=(memory_block&& other) noexcept {
    memory_block moved{std::move(other)};
    swap(moved);
    return *this;
  }
  ~memory_block() {
    if (data_ != nullptr) Memory::release(*context_, data_, bytes_);
  }

  std::byte* data() const noexcept { return static_cast<std::byte*>(data_); }
  std::size_t size() const noexcept { return bytes_; }

 private:
  void swap(memory_block& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  typename B::context* context_ = nullptr;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Device memory.
template <backend B> using buffer = memory_block<B, detail::device_memory>;

/// Host memory that asynchronous copies may touch.
template <backend B> using staging_buffer = memory_block<B, detail::staging_memory>;

/// Hands out aligned pieces of a region, front to back. With no region it only counts: the same carving code
/// that lays memory out first tells how many bytes it takes.
class carver {
 public:
  carver() = default;
  carver(std::byte* begin, std::size_t bytes) : begin_{begin}, capacity_{bytes} {}

  /// `count` elements of T, aligned to `buffer_alignment`; null while counting. Throws options_error past the
  /// end.
  template <class T> T* take(checked_size count) {
    std::size_t const offset = used_;
    used_ = round_up((used_ + count * sizeof(T)).value(), buffer_alignment);
    if (begin_ == nullptr) return nullptr;
    if (used_ > capacity_) {
      throw options_error{"a region of " + std::to_string(capacity_) + " bytes cannot hold " +
                          std::to_string(used_) + " bytes"};
    }
    return reinterpret_cast<T*>(begin_ + offset);
  }

  std::size_t used() const noexcept { return used_; }

 private:
  std::byte* begin_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

}  // namespace tenon
