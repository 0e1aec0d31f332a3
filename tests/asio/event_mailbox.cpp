// SPDX-License-Identifier: Apache-2.0
#include "tenon/asio/event_mailbox.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

namespace {

namespace asio = boost::asio;

tenon::event numbered(tenon::token_id id) {
  tenon::event happened;
  happened.token = id;
  return happened;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(event_mailbox)

BOOST_AUTO_TEST_CASE(only_a_reader_that_waits_is_woken_and_once) {
  asio::io_context context;
  auto const mailbox = std::make_shared<tenon::event_mailbox>(context.get_executor());
  mailbox->begin_request();
  mailbox->push(numbered(1), false);
  BOOST_CHECK_EQUAL(context.poll(), 0u);  // nobody waits: no post
  std::vector<tenon::event> taken;
  BOOST_CHECK(mailbox->take(taken));
  BOOST_CHECK_EQUAL(taken.size(), 1u);
  BOOST_CHECK(!mailbox->take(taken));  // now somebody does
  context.restart();
  mailbox->push(numbered(2), false);
  mailbox->push(numbered(3), true);
  BOOST_CHECK_EQUAL(context.poll(), 1u);
  BOOST_CHECK(mailbox->take(taken));
  BOOST_CHECK_EQUAL(taken.size(), 2u);
  BOOST_CHECK_EQUAL(*taken.back().token, 3);
  BOOST_CHECK(mailbox->ended());
  BOOST_CHECK(mailbox->take(taken));
  BOOST_CHECK(taken.empty());
}

BOOST_AUTO_TEST_CASE(an_event_between_looking_and_waiting_is_not_missed) {
  asio::io_context context;
  auto const mailbox = std::make_shared<tenon::event_mailbox>(context.get_executor());
  mailbox->begin_request();
  std::vector<tenon::event> taken;
  BOOST_CHECK(!mailbox->take(taken));
  mailbox->push(numbered(1), true);
  context.poll();  // the signal comes before anybody waits for it
  context.restart();
  bool woken = false;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        co_await mailbox->wait();
        woken = true;
      },
      asio::detached);
  context.poll();
  BOOST_CHECK(woken);
  BOOST_CHECK(mailbox->take(taken));
}

BOOST_AUTO_TEST_CASE(a_closed_mailbox_takes_nothing_and_outlives_its_context) {
  std::shared_ptr<tenon::event_mailbox> mailbox;
  {
    asio::io_context context;
    mailbox = std::make_shared<tenon::event_mailbox>(context.get_executor());
    mailbox->begin_request();
    std::vector<tenon::event> taken;
    BOOST_CHECK(!mailbox->take(taken));
    mailbox->close();
  }
  mailbox->push(numbered(1), true);
  mailbox->wake();
  BOOST_CHECK(mailbox->ended());
}

BOOST_AUTO_TEST_SUITE_END()
