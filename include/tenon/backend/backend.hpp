// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tenon {

/// One layer's place in the model, for ops that address per-layer state.
struct layer_index {
  std::int32_t value;
};

/// What the scratch memory of a backend's ops follows from: widths of the model in elements, and the largest
/// batch.
struct scratch_sizes {
  std::int32_t hidden = 0;
  std::int32_t ffn = 0;
  std::int32_t query_width = 0;
  std::int32_t qkv_width = 0;
  std::int32_t max_tokens = 0;
  std::int32_t max_rows = 0;
};

namespace requirement {

template <class B>
concept names_a_context = requires {
  typename B::context;
  typename B::context_options;
  { B::name } -> std::convertible_to<std::string_view>;
} && std::constructible_from<typename B::context, typename B::context_options>;

/// Device memory: `allocate` throws options_error naming the bytes asked for; addresses are aligned to 256
/// bytes.
template <class B>
concept owns_memory =
    requires(typename B::context& context, void* device, void const* host, std::size_t bytes) {
      { context.allocate(bytes) } -> std::same_as<void*>;
      { context.release(device, bytes) } noexcept;
      { context.clear(device, bytes) };          // zeroes; enqueued like an op
      { context.copy_in(device, host, bytes) };  // host -> device, returns when `host` may be reused
      {
        context.copy_out(static_cast<void*>(device), static_cast<void const*>(device), bytes)
      };                   // device -> host, complete on return
      { context.wait() };  // all earlier work of this context is done
    };

/// Host memory that asynchronous copies may read and write (pinned where the device needs that).
template <class B>
concept owns_staging = requires(typename B::context& context, void* device, void* host, std::size_t bytes) {
  { context.allocate_staging(bytes) } -> std::same_as<void*>;
  { context.release_staging(host, bytes) } noexcept;
  { context.copy_in_async(device, static_cast<void const*>(host), bytes) };
  { context.copy_out_async(host, static_cast<void const*>(device), bytes) };
};

/// Scratch memory of the ops: its size follows from `scratch_sizes`, and the runner gives it once, out of its
/// own allocation.
template <class B>
concept takes_scratch =
    requires(typename B::context& context, std::byte* memory, scratch_sizes const& sizes) {
      { B::context::scratch_bytes(sizes) } -> std::same_as<std::size_t>;
      { context.use_scratch(memory, sizes) };
    };

/// A mark stands behind all work enqueued so far; waiting for it leaves later work running.
template <class B>
concept marks_progress = requires(typename B::context& context) { context.wait(context.record()); };

/// Copies that run beside enqueued work. `copy_in_ahead` waits for nothing, so no work in flight may use its
/// target, and all later work waits for it. `copy_out_behind` waits for all earlier work, and no later work
/// waits for it: its mark says when it is done, and until then nothing may write its source.
template <class B>
concept overlaps_copies =
    requires(typename B::context& context, void* device, void* host, std::size_t bytes) {
      { context.copy_in_ahead(device, static_cast<void const*>(host), bytes) };
      { context.wait(context.copy_out_behind(host, static_cast<void const*>(device), bytes)) };
    };

/// Not of every backend: code is found and loaded when it is first needed, and which code that is depends on
/// the number of rows. All numbers of rows of one class need the same; `row_class` names a class by its
/// largest number, so that row_class(rows) >= rows.
template <class B>
concept loads_at_first_use = requires(std::int32_t rows) {
  { B::row_class(rows) } -> std::same_as<std::int32_t>;
};

}  // namespace requirement

/// A place where ops run. Ops are free functions found by argument-dependent look-up through `B::context&`:
/// they neither allocate nor synchronise, and everything that they read stays at its address.
///
/// The op list, each documented in `cpu/` under the same stem:
///   embed, norm_qkv, linear_residual, norm_gate_up, norm_head, copy_pages.
template <class B>
concept backend =
    requirement::names_a_context<B> && requirement::owns_memory<B> && requirement::owns_staging<B> &&
    requirement::takes_scratch<B> && requirement::marks_progress<B> && requirement::overlaps_copies<B>;

template <backend B> inline constexpr bool is_backend = true;

}  // namespace tenon
