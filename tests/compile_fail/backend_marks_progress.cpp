// SPDX-License-Identifier: Apache-2.0
// expect: marks_progress

#include <cstddef>

#include "tenon/backend/backend.hpp"

struct my_context {
  struct options {};
  struct mark {};
  explicit my_context(options) {}
  void* allocate(std::size_t);
  void release(void*, std::size_t) noexcept;
  void clear(void*, std::size_t);
  void copy_in(void*, void const*, std::size_t);
  static std::size_t scratch_bytes(tenon::scratch_sizes const&);
  void use_scratch(std::byte*, tenon::scratch_sizes const&);
  void copy_out(void*, void const*, std::size_t);
  void wait();
  void* allocate_staging(std::size_t);
  void release_staging(void*, std::size_t) noexcept;
  void copy_in_async(void*, void const*, std::size_t);
  void copy_out_async(void*, void const*, std::size_t);
  void copy_in_ahead(void*, void const*, std::size_t);
  mark copy_out_behind(void*, void const*, std::size_t);
#ifndef TENON_COMPILE_FAIL
  mark record();
#endif
  void wait(mark);
};

struct my_backend {
  using context = my_context;
  using context_options = my_context::options;
  static constexpr auto name = "mine";
};

static_assert(tenon::is_backend<my_backend>);
