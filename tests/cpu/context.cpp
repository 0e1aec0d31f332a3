// SPDX-License-Identifier: Apache-2.0
#include "tenon/cpu/context.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

using namespace tenon;

namespace {

bool aligned(void const* p) {
  return reinterpret_cast<std::uintptr_t>(p) % 256 == 0;
}

template <class F> std::string message_of(F const& f) {
  try {
    f();
  } catch (options_error const& error) {
    return error.what();
  }
  return "nothing thrown";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(context)

BOOST_AUTO_TEST_CASE(gives_aligned_memory_and_says_how_much_it_could_not_give) {
  cpu::context ctx{{.threads = 1}};
  for (std::size_t const bytes : {std::size_t{0}, std::size_t{1}, std::size_t{300}, std::size_t{20} << 20}) {
    void* const block = ctx.allocate(bytes);
    BOOST_TEST(aligned(block));
    std::memset(block, 7, bytes);
    ctx.release(block, bytes);
  }
  std::vector<std::size_t> too_many{std::numeric_limits<std::size_t>::max()};
#ifndef __has_feature  // clang's way to say what g++ says by a macro
#define __has_feature(feature) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !__has_feature(address_sanitizer) && \
    !__has_feature(thread_sanitizer)  // whose allocators end the program
  too_many.push_back(std::size_t{1} << 60);
#endif
  for (auto const bytes : too_many) {
    BOOST_TEST(message_of([&] { ctx.allocate(bytes); }).find(std::to_string(bytes)) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(copies_both_ways) {
  cpu::context ctx{{.threads = 1}};
  auto* const device = static_cast<char*>(ctx.allocate(16));
  auto* const staging = static_cast<char*>(ctx.allocate_staging(16));
  ctx.copy_in(device, "fifteen letters", 16);
  ctx.copy_out_async(staging, device, 16);
  ctx.wait(ctx.record());
  BOOST_TEST(std::string{staging} == "fifteen letters");
  ctx.copy_in(device, nullptr, 0);
  BOOST_TEST(std::string{device} == "fifteen letters");
  ctx.release(device, 16);
  ctx.release_staging(staging, 16);
}

BOOST_AUTO_TEST_CASE(works_in_scratch_of_its_own_or_in_what_it_is_given) {
  cpu::context ctx{{.threads = 2}};
  BOOST_TEST(message_of([&] { ctx.input_scratch(1); }).find("call context.reserve") != std::string::npos);
  ctx.reserve(10, 30, 20, 4);
  BOOST_TEST(ctx.input_capacity() == 120);
  BOOST_TEST(aligned(ctx.input_scratch(120)));
  BOOST_TEST(aligned(ctx.output_scratch(80)));
  BOOST_TEST(message_of([&] { ctx.output_scratch(81); }).find("needs 81 floats") != std::string::npos);
  BOOST_TEST(aligned(ctx.worker_scratch(1)));

  scratch_sizes const sizes{.hidden = 10, .ffn = 30, .qkv_width = 20, .max_tokens = 8};
  std::size_t const bytes = cpu::context::scratch_bytes(sizes);
  BOOST_TEST(bytes >= (30 * 8 + 20 * 8) * sizeof(float));
  auto* const given = static_cast<std::byte*>(ctx.allocate(bytes));
  ctx.use_scratch(given, sizes);
  auto const within = [&](float const* data, std::int64_t floats) {
    auto const* const begin = reinterpret_cast<std::byte const*>(data);
    return begin >= given && begin + static_cast<std::size_t>(floats) * sizeof(float) <= given + bytes;
  };
  BOOST_TEST(within(ctx.input_scratch(240), 240));
  BOOST_TEST(within(ctx.output_scratch(160), 160));
  ctx.release(given, bytes);
}

BOOST_AUTO_TEST_CASE(names_options_that_make_no_sense) {
  BOOST_TEST(message_of([] { cpu::context{{.threads = -1}}; }).find("found -1") != std::string::npos);
  cpu::context ctx{{.threads = 1}};
  BOOST_TEST(message_of([&] { ctx.reserve(8, 0, 8, 8); }).find("ffn 0") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(takes_all_threads_or_as_many_as_asked) {
  BOOST_TEST(cpu::context{}.workers() >= 1);
  BOOST_TEST(cpu::context{{.threads = 3}}.workers() == 3);
  cpu::context const scalar{{.threads = 1, .at_most = cpu::instruction_set::scalar}};
  BOOST_TEST((scalar.instructions() == cpu::instruction_set::scalar));
}

BOOST_AUTO_TEST_SUITE_END()
