// SPDX-License-Identifier: Apache-2.0
#include "tenon/work/sequence.hpp"

#include <boost/test/unit_test.hpp>
#include <utility>

namespace {

tenon::sequence sequence_of(tenon::request wish) {
  tenon::sequence made;
  made.tokens = wish.prompt;
  made.prompt_tokens = static_cast<std::int32_t>(wish.prompt.size());
  made.wish = std::make_shared<tenon::request const>(std::move(wish));
  return made;
}

tenon::request short_wish() {
  tenon::request wish;
  wish.prompt = {1, 2, 3};
  wish.max_new_tokens = 3;
  wish.stop_ids = {9};
  return wish;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sequence)

BOOST_AUTO_TEST_CASE(ends_at_a_stop_id) {
  auto seq = sequence_of(short_wish());
  BOOST_TEST((seq.append(5) == tenon::finish_reason::none));
  BOOST_TEST((seq.append(9) == tenon::finish_reason::stop));
  BOOST_TEST((seq.usage() == tenon::token_usage{.prompt = 3, .cached = 0, .generated = 2}));
}

BOOST_AUTO_TEST_CASE(ends_after_max_new_tokens) {
  auto seq = sequence_of(short_wish());
  seq.append(5);
  seq.append(5);
  BOOST_TEST((seq.append(5) == tenon::finish_reason::length));
}

BOOST_AUTO_TEST_CASE(a_stop_id_at_the_last_place_is_a_stop) {
  auto seq = sequence_of(short_wish());
  seq.append(5);
  seq.append(5);
  BOOST_TEST((seq.append(9) == tenon::finish_reason::stop));
}

BOOST_AUTO_TEST_CASE(stop_ids_do_not_end_before_min_new_tokens) {
  auto wish = short_wish();
  wish.min_new_tokens = 1;
  auto seq = sequence_of(wish);
  BOOST_TEST((seq.append(9) == tenon::finish_reason::none));
  BOOST_TEST((seq.append(9) == tenon::finish_reason::stop));
}

BOOST_AUTO_TEST_CASE(stop_ids_can_be_ignored) {
  auto wish = short_wish();
  wish.ignore_stop_ids = true;
  auto seq = sequence_of(wish);
  BOOST_TEST((seq.append(9) == tenon::finish_reason::none));
  BOOST_TEST((seq.append(9) == tenon::finish_reason::none));
  BOOST_TEST((seq.append(9) == tenon::finish_reason::length));
}

BOOST_AUTO_TEST_CASE(ids_on_the_device_count_for_length_but_are_not_known) {
  auto seq = sequence_of(short_wish());
  seq.computed = 3;
  BOOST_TEST(seq.remaining() == 0);
  seq.pending = 1;
  BOOST_TEST((seq.known() == 3 && seq.length() == 4 && seq.remaining() == 1 && seq.generated() == 0));
  BOOST_TEST(!seq.fully_planned());
  seq.pending = 3;
  BOOST_TEST(seq.fully_planned());
}

BOOST_AUTO_TEST_CASE(the_last_id_is_never_fed_back) {
  auto wish = short_wish();
  BOOST_TEST(sequence_of(wish).longest() == 5);
  wish.max_new_tokens = 1;
  BOOST_TEST(sequence_of(wish).longest() == 3);
}

BOOST_AUTO_TEST_SUITE_END()
