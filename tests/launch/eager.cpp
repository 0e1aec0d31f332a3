// SPDX-License-Identifier: Apache-2.0
#include "tenon/launch/eager.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace tenon;

constexpr batch_shape decode(std::int32_t rows, std::int32_t copies = 0) {
  return {.rows = rows,
          .decode_rows = rows,
          .tokens = rows,
          .logit_rows = rows,
          .sample_rows = rows,
          .page_copies = copies};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(eager)

BOOST_AUTO_TEST_CASE(without_buckets_nothing_is_padded) {
  BOOST_CHECK(tenon::eager<>::padded(decode(5)) == decode(5));
}

BOOST_AUTO_TEST_CASE(a_decode_batch_goes_up_to_the_next_bucket_in_any_order_of_buckets) {
  using launch = tenon::eager<8, 1, 4>;
  BOOST_CHECK(launch::padded(decode(1)) == decode(1));
  BOOST_CHECK(launch::padded(decode(2)) == decode(4));
  BOOST_CHECK(launch::padded(decode(4)) == decode(4));
  BOOST_CHECK(launch::padded(decode(5, 2)) == decode(8, 2));
  BOOST_CHECK(launch::padded(decode(9)) == decode(9));
  auto silent = decode(3);
  silent.sample_rows = silent.logit_rows =
      2;  // one row does not sample: it does in the bucket, and is dropped
  BOOST_CHECK(launch::padded(silent) == decode(4));
}

BOOST_AUTO_TEST_CASE(a_batch_with_a_prompt_chunk_is_left_alone) {
  batch_shape const mixed{.rows = 3, .decode_rows = 2, .tokens = 40, .logit_rows = 2, .sample_rows = 2};
  BOOST_CHECK((tenon::eager<4, 64>::padded(mixed) == mixed));
}

BOOST_AUTO_TEST_CASE(every_run_records_and_counts) {
  tenon::eager<> launch;
  int context = 0;
  int recorded = 0;
  for (int i = 0; i < 3; ++i) launch.run(context, decode(1), [&] { ++recorded; });
  BOOST_CHECK_EQUAL(recorded, 3);
  BOOST_CHECK((launch.counts() == launch_counts{.replayed = 0, .eager = 3, .decode_only = 3}));
}

BOOST_AUTO_TEST_SUITE_END()
