// SPDX-License-Identifier: Apache-2.0
#include "tenon/attention/reference_attention.hpp"

#include <boost/test/unit_test.hpp>

#include "conformance/attention_policy.hpp"
#include "tenon/cpu/backend.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"

using namespace tenon;
using conformance::check_attention_policy;
using conformance::check_attention_shape;

BOOST_AUTO_TEST_SUITE(reference_attention)

BOOST_AUTO_TEST_CASE(conforms_in_fp32) {
  cpu::context context{{.threads = 3}};
  check_attention_policy<tenon::reference_attention, cpu::backend>(context);
}

// 16-bit keys and values differ in how they are read, which no head shape changes.
// With scratch memory reserved, few tokens with long contexts are split over the threads.
BOOST_AUTO_TEST_CASE(gives_the_same_bits_when_contexts_are_split) {
  cpu::context split{{.threads = 9}};
  split.reserve(4096, 4096, 4096, 64);
  check_attention_shape<tenon::reference_attention, cpu::backend, fp32, 64, 7>(split, 4, {.longest = 1200});
  cpu::context whole{{.threads = 1}};
  using bench_type = conformance::attention_bench<tenon::reference_attention, cpu::backend, fp32, 64, 7>;
  bench_type one{split, 5};
  bench_type other{whole, 5};
  for (std::int32_t const context : {1, 255, 256, 257, 511, 512, 513, 2000}) {
    std::vector<conformance::attention_row> const rows{{0, context, 1}, {1, context / 2, 1}, {2, 3, 1}};
    BOOST_TEST(one.run(rows, 16) == other.run(rows, 64), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(conforms_in_bf16_and_fp16_and_every_instruction_set) {
  for (auto const set :
       {cpu::instruction_set::scalar, cpu::instruction_set::avx2, cpu::instruction_set::avx512}) {
    cpu::context context{{.threads = 2, .at_most = set}};
    check_attention_shape<tenon::reference_attention, cpu::backend, bf16, 128, 7>(
        context, 1, {.error = 0.005, .rounds = 1, .longest = 300});
    check_attention_shape<tenon::reference_attention, cpu::backend, fp16, 64, 2>(
        context, 2, {.error = 0.001, .rounds = 1, .longest = 300});
    check_attention_shape<tenon::reference_attention, cpu::backend, fp32, 24, 1>(
        context, 3, {.rounds = 1, .longest = 300});
  }
}

BOOST_AUTO_TEST_SUITE_END()
