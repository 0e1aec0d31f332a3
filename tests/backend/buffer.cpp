// SPDX-License-Identifier: Apache-2.0
#include "tenon/backend/buffer.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <limits>

#include "tenon/cpu/backend.hpp"

using namespace tenon;

BOOST_AUTO_TEST_SUITE(buffer)

BOOST_AUTO_TEST_CASE(memory_is_aligned_and_moves_with_its_owner) {
  cpu::backend::context context{{.threads = 1}};
  tenon::buffer<cpu::backend> first{context, 1000};
  auto* const data = first.data();
  BOOST_CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(data) % buffer_alignment, 0u);
  auto second = std::move(first);
  BOOST_CHECK_EQUAL(second.data(), data);
  BOOST_CHECK_EQUAL(second.size(), 1000u);
  BOOST_CHECK(first.data() == nullptr);
  second = tenon::buffer<cpu::backend>{context, 10};
  BOOST_CHECK_EQUAL(second.size(), 10u);
  tenon::staging_buffer<cpu::backend> const staging{context, 64};
  BOOST_CHECK_EQUAL(staging.size(), 64u);
}

BOOST_AUTO_TEST_CASE(more_than_there_is_is_refused_with_the_bytes) {
  cpu::backend::context context{{.threads = 1}};
  // Beyond what rounding up to whole blocks can hold, so that no allocator is asked: a sanitizer's would end
  // the program.
  std::size_t const absurd = std::numeric_limits<std::size_t>::max();
  BOOST_CHECK_EXCEPTION(
      (tenon::buffer<cpu::backend>{context, absurd}), options_error, [&](options_error const& refusal) {
        return std::string{refusal.what()}.find(std::to_string(absurd)) != std::string::npos;
      });
}

BOOST_AUTO_TEST_CASE(a_counting_carver_tells_what_a_real_one_takes) {
  auto const carve = [](carver& memory) {
    auto* const a = memory.take<char>(3);
    auto* const b = memory.take<double>(100);
    auto* const c = memory.take<char>(1);
    return std::tuple{static_cast<void*>(a), static_cast<void*>(b), static_cast<void*>(c)};
  };
  carver counting;
  carve(counting);
  BOOST_CHECK_EQUAL(counting.used(), 256u + 1024u + 256u);

  cpu::backend::context context{{.threads = 1}};
  tenon::buffer<cpu::backend> memory{context, counting.used()};
  carver real{memory.data(), memory.size()};
  auto const [a, b, c] = carve(real);
  BOOST_CHECK_EQUAL(a, static_cast<void*>(memory.data()));
  BOOST_CHECK_EQUAL(b, static_cast<void*>(memory.data() + 256));
  BOOST_CHECK_EQUAL(c, static_cast<void*>(memory.data() + 1280));
  BOOST_CHECK_THROW(real.take<char>(1), options_error);
}

BOOST_AUTO_TEST_CASE(a_size_that_overflows_is_refused) {
  carver counting;
  BOOST_CHECK_THROW(counting.take<double>(std::numeric_limits<std::size_t>::max() / 4),
                    checked_size::overflow_error);
}

BOOST_AUTO_TEST_SUITE_END()
