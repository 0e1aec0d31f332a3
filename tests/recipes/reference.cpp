// SPDX-License-Identifier: Apache-2.0
#include "tenon/recipes/reference.hpp"

#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include "tenon/cpu.hpp"

using namespace tenon;
using models =
    boost::mpl::list<qwen3_tiny, qwen3_0_6b, qwen3_1_7b, qwen3_4b, qwen3_8b, qwen2_5_0_5b, qwen2_5_1_5b, qwen2_5_7b>;

BOOST_AUTO_TEST_SUITE(reference)

BOOST_AUTO_TEST_CASE_TEMPLATE(it_is_a_recipe_for_every_model, Model, models) {
  static_assert(is_recipe<recipes::reference<Model>>);
  BOOST_CHECK((std::is_same_v<typename recipes::reference<Model>::model, Model>));
}

/// One axis changed by deriving, as a user does.
struct half_precision : recipes::reference<qwen3_0_6b> {
  using precision = fp16;
  using cache = paged_cache<32>;
};

BOOST_AUTO_TEST_CASE(a_derived_recipe_changes_what_it_names_and_keeps_the_rest) {
  static_assert(is_recipe<half_precision>);
  BOOST_CHECK((std::is_same_v<half_precision::precision, fp16>));
  BOOST_CHECK((std::is_same_v<half_precision::scheduler, chunked_prefill>));
  BOOST_CHECK((std::is_same_v<
               half_precision::cache::view<half_precision::model, half_precision::precision>::element_type,
               f16_t>));
}

BOOST_AUTO_TEST_SUITE_END()
