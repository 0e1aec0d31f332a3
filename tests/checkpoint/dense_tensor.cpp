// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/dense_tensor.hpp"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/error_text.hpp"
#include "checkpoint/memory_backend.hpp"
#include "tenon/core/dtype.hpp"

using tenon_test::memory_backend;

namespace {

/// One tensor, given as its stored elements.
template <class Stored> struct one_tensor {
  std::vector<Stored> elements;
  tenon::tensor_info info;

  explicit one_tensor(std::vector<Stored> values) : elements{std::move(values)} {
    info.name = "t";
    info.type = tenon::dtype_of<Stored>;
    info.shape = {static_cast<std::int64_t>(elements.size())};
    info.bytes = elements.size() * sizeof(Stored);
  }
  tenon::tensor_info const* find(std::string_view) const { return &info; }
  std::vector<std::string> names() const { return {"t"}; }
  void read(tenon::tensor_info const&, std::uint64_t first, std::span<std::byte> to) const {
    std::memcpy(to.data(), reinterpret_cast<std::byte const*>(elements.data()) + first, to.size());
  }
  std::string where() const { return "memory"; }
};

template <class Target, class Stored> std::vector<Target> loaded(one_tensor<Stored> const& source) {
  std::vector<Target> to(source.elements.size());
  memory_backend::context context{{}};
  tenon::upload_queue<memory_backend> queue;
  tenon::add_dense_tensor(source, source.info, to.data(), queue);
  BOOST_TEST(queue.total_bytes() == source.info.bytes);
  queue.run(context, 3, {});
  return to;
}

template <class Stored> one_tensor<Stored> every_pattern() {
  std::vector<Stored> all;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) all.push_back({static_cast<std::uint16_t>(bits)});
  return one_tensor<Stored>{all};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dense_tensor)

BOOST_AUTO_TEST_CASE(widening_is_exact_for_every_pattern) {
  auto const check = [](auto const& source) {
    auto const wide = loaded<float>(source);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < wide.size(); ++i) {
      auto const expected = static_cast<float>(source.elements[i]);
      wrong += std::bit_cast<std::uint32_t>(wide[i]) == std::bit_cast<std::uint32_t>(expected) ? 0 : 1;
    }
    BOOST_TEST(wrong == 0u);
  };
  check(every_pattern<tenon::bf16_t>());
  check(every_pattern<tenon::f16_t>());
}

BOOST_AUTO_TEST_CASE(the_same_type_keeps_its_bits) {
  auto const source = every_pattern<tenon::f16_t>();
  auto const same = loaded<tenon::f16_t>(source);
  BOOST_TEST(std::memcmp(same.data(), source.elements.data(), source.info.bytes) == 0);
}

BOOST_AUTO_TEST_CASE(narrowing_rounds_to_nearest_even) {
  auto const bf16 = loaded<tenon::bf16_t>(one_tensor<float>{{1.0f, 1.00390625f, 1.01171875f, -3e38f}});
  BOOST_TEST(bf16[0].bits == 0x3f80);
  BOOST_TEST(bf16[1].bits == 0x3f80);  // half way: to even
  BOOST_TEST(bf16[2].bits == 0x3f82);
  BOOST_TEST(bf16[3].bits == tenon::bf16_t::from(-3e38f).bits);
}

BOOST_AUTO_TEST_CASE(a_tensor_of_many_chunks) {
  std::vector<float> values(3 * tenon::upload_queue<memory_backend>::chunk_bytes / 4 + 17);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1000);
  one_tensor<float> const source{values};
  BOOST_TEST((loaded<float>(source) == values));
  auto const rounded = loaded<tenon::f16_t>(source);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    wrong += static_cast<float>(rounded[i]) == values[i] ? 0 : 1;
  BOOST_TEST(wrong == 0u);
}

BOOST_AUTO_TEST_CASE(overflow_is_an_error_and_infinity_is_not) {
  float const infinity = std::numeric_limits<float>::infinity();
  BOOST_TEST(std::isinf(static_cast<float>(loaded<tenon::f16_t>(one_tensor<float>{{1.0f, infinity}})[1])));
  tenon_test::check_error(
      [] {
        loaded<tenon::f16_t>(one_tensor<float>{{1.0f, 65503.0f, 65520.0f, 1e9f}});
      },
      "memory: tensor 't': the value of element 2 is too large for F16");
  tenon_test::check_error(
      [] { loaded<tenon::bf16_t>(one_tensor<float>{{std::numeric_limits<float>::max()}}); },
      "the value of element 0 is too large for BF16");
}

BOOST_AUTO_TEST_SUITE_END()
