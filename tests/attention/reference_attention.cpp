// SPDX-License-Identifier: Apache-2.0
#include "tenon/attention/reference_attention.hpp"

#include <boost/test/unit_test.hpp>

#include "conformance/attention_policy.hpp"
#include "tenon/cpu/backend.hpp"
#include "tenon/precision/bf16.hpp"
#include "tenon/precision/fp16.hpp"

using namespace tenon;
using conformance::check_attention_policy;

BOOST_AUTO_TEST_SUITE(reference_attention)

BOOST_AUTO_TEST_CASE(conforms_in_fp32) {
  cpu::context context{{.threads = 3}};
  check_attention_policy<tenon::reference_attention, cpu::backend>(context);
}

BOOST_AUTO_TEST_CASE(conforms_in_bf16) {
  cpu::context context{{.threads = 3}};
  check_attention_policy<tenon::reference_attention, cpu::backend, bf16>(context,
                                                                         {.error = 0.005, .rounds = 2});
}

BOOST_AUTO_TEST_SUITE_END()
