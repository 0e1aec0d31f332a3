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

/// Owns device memory of one context, which must outlive it. Movable, not copyable.
template <backend B> class buffer {
 public:
  buffer() = default;
  buffer(typename B::context& context, std::size_t bytes)
      : context_{&context}, data_{context.allocate(bytes)}, bytes_{bytes} {}

  buffer(buffer&& other) noexcept { swap(other); }
  buffer& operator=(buffer&& other) noexcept {
    buffer moved{std::move(other)};
    swap(moved);
    return *this;
  }
  ~buffer() {
    if (data_ != nullptr) context_->release(data_, bytes_);
  }

  std::byte* data() const noexcept { return static_cast<std::byte*>(data_); }
  std::size_t size() const noexcept { return bytes_; }

 private:
  void swap(buffer& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  typename B::context* context_ = nullptr;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Host memory that asynchronous copies may touch. Owns; movable, not copyable; the context must outlive it.
template <backend B> class staging_buffer {
 public:
  staging_buffer() = default;
  staging_buffer(typename B::context& context, std::size_t bytes)
      : context_{&context}, data_{context.allocate_staging(bytes)}, bytes_{bytes} {}

  staging_buffer(staging_buffer&& other) noexcept { swap(other); }
  staging_buffer& operator=(staging_buffer&& other) noexcept {
    staging_buffer moved{std::move(other)};
    swap(moved);
    return *this;
  }
  ~staging_buffer() {
    if (data_ != nullptr) context_->release_staging(data_, bytes_);
  }

  std::byte* data() const noexcept { return static_cast<std::byte*>(data_); }
  std::size_t size() const noexcept { return bytes_; }

 private:
  void swap(staging_buffer& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  typename B::context* context_ = nullptr;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

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
