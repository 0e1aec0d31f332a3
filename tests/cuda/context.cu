// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/context.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "cuda/device.hpp"
#include "tenon/backend/buffer.hpp"
#include "tenon/cuda/backend.hpp"
#include "tenon/cuda/launch.cuh"

using namespace tenon;

namespace {

constexpr scratch_sizes sizes{
    .hidden = 256, .ffn = 512, .query_width = 256, .qkv_width = 384, .max_tokens = 32, .max_rows = 4};

__global__ void add_one(std::int32_t* numbers) {
  ++numbers[threadIdx.x];
}

/// Waits until somebody else writes `wanted` to the number, for a second at most, and says whether it came.
__global__ void wait_for_number(std::int32_t const volatile* number, std::int32_t wanted,
                                std::int32_t* came) {
  for (int i = 0; i < 1000 && *number != wanted; ++i) __nanosleep(1'000'000);
  *came = *number == wanted ? 1 : 0;
}

__global__ void write_late(std::int32_t* number, std::int32_t value) {
  for (int i = 0; i < 20; ++i) __nanosleep(1'000'000);
  *number = value;
}

/// More shared memory than a kernel has without being allowed it.
__global__ void reverse(std::int32_t* numbers, std::int32_t count) {
  extern __shared__ std::int32_t shared[];
  std::int32_t* const last = shared + (100 << 10) / 4;
  last[-1 - static_cast<std::int32_t>(threadIdx.x)] = numbers[threadIdx.x];
  __syncthreads();
  numbers[threadIdx.x] = last[-count + static_cast<std::int32_t>(threadIdx.x)];
}

}  // namespace

BOOST_AUTO_TEST_SUITE(context)

BOOST_AUTO_TEST_CASE(scratch_grows_with_every_size) {
  auto const bytes = cuda::context::scratch_bytes(sizes);
  auto const larger = [&](auto member) {
    auto more = sizes;
    more.*member *= 100;
    return cuda::context::scratch_bytes(more) > bytes;
  };
  for (auto const member :
       {&scratch_sizes::hidden, &scratch_sizes::ffn, &scratch_sizes::query_width, &scratch_sizes::qkv_width,
        &scratch_sizes::max_tokens, &scratch_sizes::max_rows}) {
    BOOST_TEST(larger(member));
  }
}

BOOST_AUTO_TEST_CASE(scratch_of_one_op_is_apart_from_that_of_another) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  auto const bytes = cuda::context::scratch_bytes(sizes);
  buffer<cuda::backend> const memory{ctx, bytes};
  ctx.use_scratch(memory.data(), sizes);
  std::size_t const normed = 32 * 2 * 512, projected = 32 * 4 * 512, partial = 24 << 20;
  std::vector<std::pair<std::byte*, std::size_t>> const pieces{
      {static_cast<std::byte*>(ctx.normed_scratch(normed)), normed},
      {static_cast<std::byte*>(ctx.projected_scratch(projected)), projected},
      {static_cast<std::byte*>(ctx.partial_scratch(partial)), partial},
      {reinterpret_cast<std::byte*>(ctx.counters(1000)), 4000},
      {static_cast<std::byte*>(ctx.blas_workspace()), ctx.blas_workspace_bytes()}};
  auto const* end = memory.data();
  for (auto const& [begin, size] : pieces) {
    BOOST_TEST(begin >= end);
    end = begin + size;
  }
  BOOST_TEST(end <= memory.data() + bytes);
  std::vector<std::int32_t> counters(1000, 7);
  ctx.copy_out(counters.data(), ctx.counters(1000), 4000);
  BOOST_TEST((counters == std::vector<std::int32_t>(1000, 0)));
}

BOOST_AUTO_TEST_CASE(an_op_that_needs_more_scratch_is_told_both_sizes) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  BOOST_CHECK_THROW(ctx.normed_scratch(1), options_error);
  buffer<cuda::backend> const memory{ctx, cuda::context::scratch_bytes(sizes)};
  ctx.use_scratch(memory.data(), sizes);
  BOOST_CHECK_EXCEPTION(ctx.projected_scratch(1 << 30), options_error, [](options_error const& error) {
    std::string const text = error.what();
    return text.find("1073741824") != std::string::npos && text.find("projected") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(too_much_memory_is_refused_and_leaves_no_error_behind) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  BOOST_CHECK_EXCEPTION(ctx.allocate(std::size_t{1} << 50), options_error, [](options_error const& error) {
    std::string const text = error.what();
    return text.find("expected 1125899906842624 free bytes, found ") != std::string::npos &&
           text.find(" are missing") != std::string::npos;
  });
  BOOST_TEST(cudaGetLastError() == cudaSuccess);
  auto const free = ctx.free_bytes();
  {
    buffer<cuda::backend> const memory{ctx, 64 << 20};
    BOOST_TEST(ctx.free_bytes() <= free - (64 << 20));
  }
  BOOST_TEST(ctx.free_bytes() == free);
}

BOOST_AUTO_TEST_CASE(copies_and_marks_are_in_order) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  constexpr std::size_t count = 1 << 20;
  staging_buffer<cuda::backend> const from{ctx, count}, to{ctx, count};
  buffer<cuda::backend> const memory{ctx, count};
  for (int round = 1; round < 40; ++round) {  // more rounds than marks
    std::fill_n(from.data(), count, static_cast<std::byte>(round));
    ctx.copy_in_async(memory.data(), from.data(), count);
    ctx.copy_out_async(to.data(), memory.data(), count);
    ctx.wait(ctx.record());
    BOOST_TEST((to.data()[0] == static_cast<std::byte>(round)));
    BOOST_TEST((to.data()[count - 1] == static_cast<std::byte>(round)));
  }
  ctx.clear(memory.data(), count);
  ctx.copy_out(to.data(), memory.data(), count);
  BOOST_TEST((to.data()[count / 2] == std::byte{0}));
}

BOOST_AUTO_TEST_CASE(copies_run_beside_work_and_in_its_order) {
  if (!testing::has_device()) return;
  cuda::context ctx;
  buffer<cuda::backend> const memory{ctx, 512};
  auto* const number = reinterpret_cast<std::int32_t*>(memory.data());
  auto* const other = number + 64;
  staging_buffer<cuda::backend> const from{ctx, 4}, to{ctx, 4};
  auto& sent = *reinterpret_cast<std::int32_t*>(from.data());
  auto const& received = *reinterpret_cast<std::int32_t const*>(to.data());
  auto const one = dim3(1);
  ctx.clear(memory.data(), 512);
  ctx.wait();
  // The kernel ahead of the copy ends only once the copy is there; the one behind it adds to what was copied.
  sent = 7;
  cuda::launch<wait_for_number>(ctx, one, one, 0, cuda::ordering::serial, number, 7, other);
  ctx.copy_in_ahead(number, from.data(), 4);
  cuda::launch<add_one>(ctx, one, one, 0, cuda::ordering::serial, number);
  ctx.wait(ctx.copy_out_behind(to.data(), number, 4));
  BOOST_TEST(received == 8);
  ctx.wait(ctx.copy_out_behind(to.data(), other, 4));
  BOOST_TEST(received == 1, "copy_in_ahead waited for the work ahead of it");
  // A copy out has what the work ahead of it writes, however late.
  cuda::launch<write_late>(ctx, one, one, 0, cuda::ordering::serial, number, 33);
  auto const written = ctx.copy_out_behind(to.data(), number, 4);
  cuda::launch<wait_for_number>(ctx, one, one, 0, cuda::ordering::serial, other, 5, other + 1);
  ctx.wait(written);
  BOOST_TEST(received == 33);
  sent = 5;  // the kernel behind the copy out is still waiting for it
  ctx.copy_in_ahead(other, from.data(), 4);
  ctx.copy_out(to.data(), other + 1, 4);
  BOOST_TEST(received == 1);
}

// With one device the current one is right anyway; with several, the last one is not what a thread begins
// with.
BOOST_AUTO_TEST_CASE(serves_any_thread_on_its_own_device) {
  if (!testing::has_device()) return;
  int const last = cuda::device_count() - 1;
  cuda::context ctx{{.device = last}};
  std::vector<std::int32_t> numbers(64);
  int current = -1;
  std::thread{[&] {
    buffer<cuda::backend> const memory{ctx, 256};
    ctx.clear(memory.data(), 256);
    auto* const device = reinterpret_cast<std::int32_t*>(memory.data());
    cuda::launch<add_one>(ctx, dim3(1), dim3(64), 0, cuda::ordering::serial, device);
    cudaGetDevice(&current);
    ctx.copy_out(numbers.data(), device, 256);
  }}.join();
  BOOST_TEST(current == last);
  BOOST_TEST((numbers == std::vector<std::int32_t>(64, 1)));
}

BOOST_AUTO_TEST_CASE(kernels_get_the_shared_memory_they_ask_for_on_every_device) {
  if (!testing::has_device()) return;
  for (int device = 0; device < cuda::device_count(); ++device) {
    cuda::context ctx{{.device = device}};
    if (ctx.properties().shared_memory_a_block < 100u << 10) continue;
    buffer<cuda::backend> const memory{ctx, 128};
    std::vector<std::int32_t> numbers(32), expected(32);
    for (std::int32_t i = 0; i < 32; ++i) numbers[static_cast<std::size_t>(i)] = i;
    for (std::int32_t i = 0; i < 32; ++i) expected[static_cast<std::size_t>(i)] = 31 - i;
    ctx.copy_in(memory.data(), numbers.data(), 128);
    auto* const on_device = reinterpret_cast<std::int32_t*>(memory.data());
    cuda::launch<reverse>(ctx, dim3(1), dim3(32), 100 << 10, cuda::ordering::serial, on_device, 32);
    ctx.copy_out(numbers.data(), on_device, 128);
    BOOST_TEST((numbers == expected), "device " << device);
  }
}

BOOST_AUTO_TEST_SUITE_END()
