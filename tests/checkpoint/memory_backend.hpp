// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "tenon/backend/backend.hpp"
#include "tenon/core/error.hpp"

namespace tenon_test {

/// What every context of a test allocated and did not yet release.
struct memory_account {
  std::size_t live_bytes = 0;
  std::size_t allocations = 0;
};

/// A backend with memory and no ops: loading is tested without any arithmetic.
struct memory_backend {
  struct context_options {
    memory_account* account = nullptr;
    std::size_t limit = std::size_t{1} << 40;
  };

  class context {
   public:
    explicit context(context_options const& options) : options_{options} {}

    void* allocate(std::size_t bytes) {
      if (bytes > options_.limit) {
        throw tenon::options_error{"memory for " + std::to_string(bytes) + " bytes was refused"};
      }
      if (options_.account != nullptr) {
        options_.account->live_bytes += bytes;
        ++options_.account->allocations;
      }
      return ::operator new(bytes, std::align_val_t{256});
    }
    void release(void* memory, std::size_t bytes) noexcept {
      if (options_.account != nullptr) options_.account->live_bytes -= bytes;
      ::operator delete(memory, std::align_val_t{256});
    }
    void clear(void* memory, std::size_t bytes) { std::memset(memory, 0, bytes); }
    void copy_in(void* to, void const* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
    void copy_out(void* to, void const* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
    static std::size_t scratch_bytes(tenon::scratch_sizes const&) { return 0; }
    void use_scratch(std::byte*, tenon::scratch_sizes const&) {}
    void wait() {}
    int record() { return 0; }
    void wait(int) {}
    void* allocate_staging(std::size_t bytes) { return ::operator new(bytes); }
    void release_staging(void* memory, std::size_t) noexcept { ::operator delete(memory); }
    void copy_in_async(void* to, void const* from, std::size_t bytes) { copy_in(to, from, bytes); }
    void copy_out_async(void* to, void const* from, std::size_t bytes) { copy_out(to, from, bytes); }
    void copy_in_ahead(void* to, void const* from, std::size_t bytes) { copy_in(to, from, bytes); }
    int copy_out_behind(void* to, void const* from, std::size_t bytes) {
      copy_out(to, from, bytes);
      return 0;
    }

   private:
    context_options options_;
  };

  static constexpr std::string_view name = "memory";
  static constexpr std::int32_t row_class(std::int32_t rows) noexcept { return rows; }
};

static_assert(tenon::is_backend<memory_backend>);

/// A device that says how much memory is free: its limit.
struct telling_backend : memory_backend {
  class context : public memory_backend::context {
   public:
    explicit context(context_options const& options)
        : memory_backend::context{options}, free_bytes_{options.limit} {}
    std::size_t free_bytes() const noexcept { return free_bytes_; }

   private:
    std::size_t free_bytes_;
  };
};

static_assert(tenon::is_backend<telling_backend>);

/// A device for which the program was not compiled.
struct foreign_backend : memory_backend {
  struct context : memory_backend::context {
    using memory_backend::context::context;
  };
};

inline void check_kernels(foreign_backend::context const&) {
  throw tenon::device_error{"expected a device of another kind"};
}

static_assert(tenon::is_backend<foreign_backend>);

}  // namespace tenon_test
