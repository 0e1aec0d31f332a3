// SPDX-License-Identifier: Apache-2.0
#include "tenon/model/qwen2.hpp"

#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

using namespace tenon;
using sizes = boost::mpl::list<qwen2_5_0_5b, qwen2_5_1_5b, qwen2_5_7b>;

BOOST_AUTO_TEST_SUITE(qwen2)

BOOST_AUTO_TEST_CASE_TEMPLATE(every_size_has_what_the_family_has, Model, sizes) {
  BOOST_CHECK_EQUAL(Model::shape.qkv_bias, true);
  BOOST_CHECK_EQUAL(Model::shape.qk_norm, false);
  BOOST_CHECK_EQUAL(std::string_view{Model::model_type}, "qwen2");
  for (auto width :
       {Model::shape.hidden, Model::shape.ffn, Model::shape.query_width(), Model::shape.kv_width()}) {
    BOOST_CHECK_EQUAL(width % 128, 0);  // what vectorised kernels may rely on
  }
}

BOOST_AUTO_TEST_SUITE_END()
