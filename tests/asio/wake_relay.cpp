// SPDX-License-Identifier: Apache-2.0
#include "tenon/asio/wake_relay.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>
#include <optional>

namespace {

namespace asio = boost::asio;

struct sleeper : tenon::wakeable {
  int woken = 0;
  void wake() override { ++woken; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(wake_relay)

BOOST_AUTO_TEST_CASE(many_sleepers_cost_one_post) {
  asio::io_context context;
  auto& relay = asio::use_service<tenon::wake_relay>(context);
  std::vector<std::shared_ptr<sleeper>> all(1000);
  for (auto& one : all) {
    one = std::make_shared<sleeper>();
    relay.announce(one, context.get_executor());
  }
  BOOST_CHECK_EQUAL(context.poll(), 1u);
  for (auto const& one : all) {
    BOOST_REQUIRE_EQUAL(one->woken, 1);
    BOOST_REQUIRE_EQUAL(one.use_count(), 1);
  }
  context.restart();
  relay.announce(all[0], context.get_executor());
  BOOST_CHECK_EQUAL(context.poll(), 1u);
  BOOST_CHECK_EQUAL(all[0]->woken, 2);
}

BOOST_AUTO_TEST_CASE(who_is_announced_by_a_wake_is_woken_by_the_same_post) {
  struct chain : tenon::wakeable {
    tenon::wake_relay* relay = nullptr;
    asio::any_io_executor executor;
    std::shared_ptr<sleeper> next = std::make_shared<sleeper>();
    void wake() override { relay->announce(next, executor); }
  };
  asio::io_context context;
  auto const first = std::make_shared<chain>();
  first->relay = &asio::use_service<tenon::wake_relay>(context);
  first->executor = context.get_executor();
  first->relay->announce(first, context.get_executor());
  BOOST_CHECK_EQUAL(context.poll(), 1u);
  BOOST_CHECK_EQUAL(first->next->woken, 1);
}

BOOST_AUTO_TEST_CASE(a_context_that_goes_lets_go_of_those_it_did_not_wake) {
  auto const one = std::make_shared<sleeper>();
  {
    asio::io_context context;
    asio::use_service<tenon::wake_relay>(context).announce(one, context.get_executor());
    BOOST_CHECK_EQUAL(one.use_count(), 2);
  }
  BOOST_CHECK_EQUAL(one.use_count(), 1);
  BOOST_CHECK_EQUAL(one->woken, 0);
}

BOOST_AUTO_TEST_SUITE_END()
