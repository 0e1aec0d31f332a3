// SPDX-License-Identifier: Apache-2.0
#include "tenon/engine/engine_thread.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "small_engines.hpp"

namespace {

using namespace tenon;
using cpu_recipe = recipes::reference<small::qwen3_model>;
using small::greedy_request;

any_engine make() {
  return any_engine{std::make_unique<engine<cpu_recipe>>(small::weights<cpu_recipe>(), small::options())};
}

/// Submits and returns a future of the whole outcome.
std::future<small::outcome> ask(engine_thread& thread, request wish) {
  auto promise = std::make_shared<std::promise<small::outcome>>();
  auto heard = std::make_shared<small::outcome>();
  auto left = std::make_shared<std::int32_t>(wish.choices);
  auto future = promise->get_future();
  thread.submit(std::move(wish), [=](event const& happened) {
    (*heard)(happened);
    if (happened.finish != finish_reason::none && --*left == 0) promise->set_value(*heard);
  });
  return future;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(engine_thread)

BOOST_AUTO_TEST_CASE(many_threads_get_the_answers_of_an_engine_of_their_own) {
  engine<cpu_recipe> direct{small::weights<cpu_recipe>(), small::options()};
  tenon::engine_thread thread{make()};
  std::vector<std::thread> clients;
  std::vector<std::string> failures(6);
  std::vector<std::vector<std::pair<request, std::vector<token_id>>>> expected(6);
  for (std::size_t c = 0; c < 6; ++c) {
    std::mt19937_64 random{c};
    for (int i = 0; i < 8; ++i) {
      auto wish = greedy_request(small::random_prompt(random, 1 + static_cast<std::int32_t>(random() % 40)),
                                 1 + static_cast<std::int32_t>(random() % 12));
      auto ids = small::answer(direct, wish).ids.at(0);
      expected[c].emplace_back(std::move(wish), std::move(ids));
    }
  }
  for (std::size_t c = 0; c < 6; ++c) {
    clients.emplace_back([&, c] {
      for (auto const& [wish, ids] : expected[c]) {
        if (ask(thread, wish).get().ids.at(0) != ids) failures[c] = "other ids than alone";
      }
    });
  }
  for (auto& client : clients) client.join();
  for (auto const& failure : failures) BOOST_CHECK_EQUAL(failure, "");
  thread.drain();
  BOOST_CHECK_EQUAL(thread.open_requests(), 0);
  BOOST_CHECK_EQUAL(thread.stats().pages.held, 0);
  BOOST_CHECK_EQUAL(thread.stats().finished_choices, 48);
}

BOOST_AUTO_TEST_CASE(a_bad_request_is_refused_in_the_caller_and_leaves_no_trace) {
  tenon::engine_thread thread{make()};
  BOOST_CHECK_THROW(ask(thread, greedy_request({}, 3)), request_error);
  BOOST_CHECK_EQUAL(thread.open_requests(), 0);
  BOOST_CHECK_EQUAL(ask(thread, greedy_request({1}, 3)).get().ids.at(0).size(), 3u);
}

BOOST_AUTO_TEST_CASE(the_inbox_is_bounded_in_requests_and_in_tokens) {
  tenon::engine_thread thread{make(), {.max_requests = 2, .max_tokens = 300}};
  {
    auto first = thread.reserve();
    auto second = thread.reserve();
    BOOST_CHECK(first && second);
    BOOST_CHECK(!thread.reserve());
    BOOST_CHECK_THROW(ask(thread, greedy_request({1}, 3)), overloaded_error);
  }
  BOOST_CHECK_EQUAL(thread.open_requests(), 0);
  BOOST_CHECK_THROW(ask(thread, greedy_request({1}, 300)), overloaded_error);
  BOOST_CHECK_EQUAL(thread.open_requests(), 0);
  BOOST_CHECK_EQUAL(ask(thread, greedy_request({1}, 200)).get().ids.at(0).size(), 200u);
  BOOST_CHECK_EQUAL(ask(thread, greedy_request({1}, 200)).get().ids.at(0).size(), 200u);
}

BOOST_AUTO_TEST_CASE(cancel_ends_a_request_from_another_thread) {
  tenon::engine_thread thread{make()};
  std::promise<finish_reason> ended;
  std::promise<void> started;
  bool first = true;
  auto const id =
      thread.submit({.prompt = {1}, .max_new_tokens = 200, .choices = 1}, [&](event const& happened) {
        if (std::exchange(first, false)) started.set_value();
        if (happened.finish != finish_reason::none) ended.set_value(happened.finish);
      });
  started.get_future().wait();
  thread.cancel(id);
  auto const reason = ended.get_future().get();
  BOOST_CHECK(reason == finish_reason::cancelled || reason == finish_reason::length);
  thread.drain();
  BOOST_CHECK_EQUAL(thread.stats().pages.held, 0);
}

// However many readers were in the way of the last step's counters.
BOOST_AUTO_TEST_CASE(an_idle_thread_shows_that_nothing_runs) {
  tenon::engine_thread thread{make()};
  std::atomic<bool> reading = true;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (reading) thread.stats();
    });
  }
  for (std::int64_t round = 1; round <= 20; ++round) {
    ask(thread, greedy_request({1, 2, 3}, 4)).get();
    auto const late = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (thread.stats().finished_choices != round && std::chrono::steady_clock::now() < late) {
      std::this_thread::yield();
    }
    BOOST_TEST(thread.stats().finished_choices == round);
    BOOST_TEST(thread.stats().requests.running == 0);
  }
  reading = false;
  for (auto& reader : readers) reader.join();
}

BOOST_AUTO_TEST_CASE(draining_finishes_what_is_open_and_takes_nothing_new) {
  tenon::engine_thread thread{make()};
  auto open = ask(thread, greedy_request({1, 2}, 60));
  thread.drain();
  BOOST_CHECK_EQUAL(open.get().ids.at(0).size(), 60u);
  BOOST_CHECK_THROW(ask(thread, greedy_request({1}, 3)), stopped_error);
}

BOOST_AUTO_TEST_CASE(stopping_ends_open_requests_with_a_failure) {
  std::vector<std::future<small::outcome>> open;
  {
    tenon::engine_thread thread{make()};
    for (int i = 0; i < 10; ++i)
      open.push_back(ask(thread, {.prompt = {1, 2}, .max_new_tokens = 200, .choices = 2}));
  }
  int failed = 0;
  for (auto& one : open) {
    for (auto const& [choice, reason] : one.get().finish) failed += reason == finish_reason::failed ? 1 : 0;
  }
  BOOST_CHECK_GT(failed, 0);
}

BOOST_AUTO_TEST_CASE(a_throwing_handler_costs_its_own_request_only) {
  tenon::engine_thread thread{make()};
  thread.submit(greedy_request({3}, 50), [](event const&) { throw std::runtime_error{"handler"}; });
  BOOST_CHECK_EQUAL(ask(thread, greedy_request({1}, 30)).get().ids.at(0).size(), 30u);
  thread.drain();
  BOOST_CHECK(!thread.failure());
  BOOST_CHECK_EQUAL(thread.open_requests(), 0);
}

BOOST_AUTO_TEST_SUITE_END()
