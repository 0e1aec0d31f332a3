// SPDX-License-Identifier: Apache-2.0
#include "tenon/cuda/element.cuh"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "cuda/device.hpp"
#include "cuda/device_array.hpp"
#include "tenon/cuda/launch.cuh"

using namespace tenon;

namespace {

struct conversions {
  std::uint16_t rounded, pair_low, pair_high;
  float widened, widened_low, widened_high;
};

/// Every number and the one before it.
template <class Element> __global__ void convert(float const* numbers, conversions* out) {
  using traits = cuda::element_traits<Element>;
  auto const i = blockIdx.x * blockDim.x + threadIdx.x;
  float const before = numbers[i == 0 ? 0 : i - 1];
  Element const rounded = traits::round(numbers[i]);
  std::uint32_t const pair = traits::round_pair(before, numbers[i]);
  float2 const both = traits::widen_pair(pair);
  out[i] = {rounded.bits,
            static_cast<std::uint16_t>(pair),
            static_cast<std::uint16_t>(pair >> 16),
            traits::widen(rounded),
            both.x,
            both.y};
}

bool same(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

template <class Element> bool is_same(std::uint16_t bits, float number) {
  Element const expected = round_to<Element>(number);
  Element found;
  found.bits = bits;
  return bits == expected.bits || (std::isnan(static_cast<float>(found)) && std::isnan(number));
}

/// The device's conversions against those of the host, which tests/core compares with arithmetic.
template <class Element> void check() {
  constexpr std::size_t count = 1 << 16;
  std::mt19937 random{20261122};
  std::vector<float> numbers{
      0.0f,     -0.0f, std::numeric_limits<float>::infinity(),  65519.9f,
      65520.0f, 1e-8f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::max()};
  while (numbers.size() < count) {  // of all exponents, and halfway between two neighbours
    std::uint32_t const word = static_cast<std::uint32_t>(random());
    std::uint32_t const bits = numbers.size() % 2 == 0 ? word : (word & 0xffff'0000u) | 0x8000u;
    float number;
    std::memcpy(&number, &bits, sizeof number);
    numbers.push_back(number);
  }
  cuda::context ctx;
  testing::device_array const in{ctx, numbers};
  testing::device_array<conversions> const out{ctx, count};
  cuda::launch<convert<Element>>(ctx, dim3(count / 256), dim3(256), 0, cuda::ordering::serial,
                                 static_cast<float const*>(in.data()), out.data());
  auto const found = out.values();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < count; ++i) {
    float const before = numbers[i == 0 ? 0 : i - 1];
    float const value = static_cast<float>(round_to<Element>(numbers[i]));
    bool const right = is_same<Element>(found[i].rounded, numbers[i]) &&
                       is_same<Element>(found[i].pair_low, before) &&
                       is_same<Element>(found[i].pair_high, numbers[i]) && same(found[i].widened, value) &&
                       same(found[i].widened_low, static_cast<float>(round_to<Element>(before))) &&
                       same(found[i].widened_high, value);
    wrong += right ? 0 : 1;
  }
  BOOST_TEST(wrong == 0u, wrong << " of " << count << " numbers differ from the host's");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(element)

BOOST_AUTO_TEST_CASE(bf16_is_the_hosts) {
  if (!testing::has_device()) return;
  check<bf16_t>();
}

BOOST_AUTO_TEST_CASE(f16_is_the_hosts) {
  if (!testing::has_device()) return;
  check<f16_t>();
}

BOOST_AUTO_TEST_SUITE_END()
