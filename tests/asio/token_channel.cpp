// SPDX-License-Identifier: Apache-2.0
#include "tenon/asio/token_channel.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <future>
#include <optional>
#include <thread>

#include "engine/small_engines.hpp"

// g++ 12 takes Asio's own operator delete of coroutine frames for another one's.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace {

using namespace tenon;
namespace asio = boost::asio;
using cpu_recipe = recipes::reference<small::qwen3_model>;
using small::greedy_request;

any_engine make() {
  return any_engine{std::make_unique<engine<cpu_recipe>>(small::weights<cpu_recipe>(), small::options())};
}

asio::awaitable<small::outcome> ask(engine_thread& engine, request wish) {
  small::outcome heard;
  tenon::token_channel channel{co_await asio::this_coro::executor, engine, std::move(wish)};
  while (!channel.ended()) {
    auto const happened = co_await channel.next();
    if (happened.empty()) throw std::logic_error{"an open channel gave nothing"};
    for (event const& one : happened) heard(one);
  }
  co_return heard;
}

/// A request that goes on until it is cancelled.
request endless() {
  return {.prompt = {1}, .max_new_tokens = 200, .ignore_stop_ids = true};
}

/// Waits for what the engine's thread is about to do.
template <class Condition> bool soon(Condition const& condition) {
  for (int i = 0; i < 5000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  return condition();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(token_channel)

BOOST_AUTO_TEST_CASE(hundreds_of_streams_at_once_hear_everything_once_and_in_order) {
  engine<cpu_recipe> direct{small::weights<cpu_recipe>(), small::options()};
  tenon::engine_thread thread{make()};
  std::mt19937_64 random{4};
  std::vector<std::vector<token_id>> expected;
  std::vector<std::future<small::outcome>> heard;
  asio::thread_pool pool{2};
  for (int i = 0; i < 300; ++i) {
    auto wish = greedy_request(small::random_prompt(random, 1 + static_cast<std::int32_t>(random() % 20)),
                               1 + static_cast<std::int32_t>(random() % 12));
    expected.push_back(small::answer(direct, wish).ids.at(0));
    heard.push_back(asio::co_spawn(asio::make_strand(pool), ask(thread, std::move(wish)), asio::use_future));
  }
  for (std::size_t i = 0; i < heard.size(); ++i)
    BOOST_TEST(heard[i].get().ids.at(0) == expected[i], boost::test_tools::per_element());
  BOOST_CHECK(soon([&] { return thread.open_requests() == 0; }));
}

BOOST_AUTO_TEST_CASE(every_kind_of_executor_will_do) {
  tenon::engine_thread thread{make()};
  auto const try_one = [&](auto executor) {
    auto const heard =
        asio::co_spawn(executor, ask(thread, greedy_request({1, 2}, 7)), asio::use_future).get();
    BOOST_CHECK_EQUAL(heard.ids.at(0).size(), 7u);
  };
  asio::io_context context;
  auto work = asio::make_work_guard(context);
  std::thread runner{[&] { context.run(); }};
  asio::thread_pool pool{1};
  try_one(context.get_executor());
  try_one(asio::make_strand(context));
  try_one(asio::any_io_executor{asio::make_strand(context)});
  try_one(pool.get_executor());
  try_one(asio::system_executor{});
  work.reset();
  runner.join();
}

BOOST_AUTO_TEST_CASE(a_context_runs_until_its_streams_have_ended) {
  tenon::engine_thread thread{make()};
  asio::io_context context;
  std::optional<small::outcome> heard;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        auto wish = greedy_request({1, 2}, 20);
        heard = co_await ask(thread, std::move(wish));
      },
      asio::detached);
  context.run();
  BOOST_REQUIRE(heard);
  BOOST_CHECK_EQUAL(heard->ids.at(0).size(), 20u);
}

BOOST_AUTO_TEST_CASE(choices_and_several_requests_share_a_channel) {
  tenon::engine_thread thread{make()};
  asio::io_context context;
  tenon::token_channel channel{context.get_executor(), thread};
  std::map<request_id, small::outcome> heard;
  auto const read_to_the_end = [&] {
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
          while (!channel.ended())
            for (event const& one : co_await channel.next()) heard[one.request](one);
          auto const after = co_await channel.next();
          BOOST_CHECK(after.empty());
        },
        asio::detached);
    context.run();
    context.restart();
  };
  BOOST_CHECK(channel.ended());
  auto three = greedy_request({1, 2}, 9);
  three.choices = 3;
  auto const first = channel.submit(three);
  auto const second = channel.submit(greedy_request({5}, 4));
  BOOST_CHECK(!channel.ended());
  read_to_the_end();
  auto const third = channel.submit(greedy_request({5}, 2));
  BOOST_CHECK(!channel.ended());
  read_to_the_end();
  BOOST_CHECK_EQUAL(heard.size(), 3u);
  BOOST_CHECK_EQUAL(heard[first].finish.size(), 3u);
  BOOST_CHECK_EQUAL(heard[second].ids.at(0).size(), 4u);
  BOOST_CHECK_EQUAL(heard[third].ids.at(0).size(), 2u);
}

BOOST_AUTO_TEST_CASE(what_came_meanwhile_is_handed_out_together) {
  tenon::engine_thread thread{make()};
  asio::io_context context;
  tenon::token_channel channel{context.get_executor(), thread, greedy_request({1, 2}, 25)};
  BOOST_REQUIRE(soon([&] { return thread.open_requests() == 0; }));
  auto read = asio::co_spawn(
      context, [&]() -> asio::awaitable<std::size_t> { co_return (co_await channel.next()).size(); },
      asio::use_future);
  context.run();
  BOOST_CHECK_EQUAL(read.get(), 25u);
  BOOST_CHECK(channel.ended());
}

BOOST_AUTO_TEST_CASE(a_channel_that_goes_cancels_what_is_open) {
  tenon::engine_thread thread{make()};
  asio::io_context context;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        auto two = endless();
        two.choices = 2;
        tenon::token_channel channel{context.get_executor(), thread, two};
        channel.submit(endless());
        co_await channel.next();
      },
      asio::detached);
  context.run();
  BOOST_CHECK(soon([&] { return thread.open_requests() == 0; }));
  BOOST_CHECK(soon([&] { return thread.stats().finished_choices == 3; }));
  BOOST_CHECK_EQUAL(thread.stats().pages.held, 0);
  BOOST_CHECK_LT(thread.stats().generated_tokens, 600);
}

BOOST_AUTO_TEST_CASE(one_request_of_a_channel_can_be_cancelled) {
  tenon::engine_thread thread{make()};
  asio::io_context context;
  std::map<request_id, small::outcome> heard;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        tenon::token_channel channel{context.get_executor(), thread};
        auto const ends = channel.submit(endless());
        auto const stays = channel.submit(greedy_request({3}, 30));
        channel.cancel(ends);
        while (!channel.ended())
          for (event const& one : co_await channel.next()) heard[one.request](one);
        BOOST_CHECK_EQUAL(heard[stays].ids.at(0).size(), 30u);
        BOOST_CHECK(heard[ends].finish.at(0) == finish_reason::cancelled);
      },
      asio::detached);
  context.run();
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_throws_and_leaves_the_channel_usable) {
  // The only row is taken, so that nothing comes for the one who waits.
  tenon::engine_thread thread{
      any_engine{std::make_unique<engine<cpu_recipe>>(small::weights<cpu_recipe>(), small::options(1))}};
  asio::io_context context;
  tenon::token_channel blocker{context.get_executor(), thread, endless()};
  tenon::token_channel channel{context.get_executor(), thread, greedy_request({1, 2}, 5)};
  asio::cancellation_signal stop;
  bool aborted = false;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        try {
          co_await channel.next();
        } catch (boost::system::system_error const& failed) {
          aborted = failed.code() == asio::error::operation_aborted;
        }
      },
      asio::bind_cancellation_slot(stop.slot(), asio::detached));
  asio::post(context, [&] { asio::post(context, [&] { stop.emit(asio::cancellation_type::terminal); }); });
  context.run();
  BOOST_CHECK(aborted);
  context.restart();
  blocker.cancel();
  std::size_t tokens = 0;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        while (!channel.ended()) tokens += (co_await channel.next()).size();
      },
      asio::detached);
  context.run();
  BOOST_CHECK_EQUAL(tokens, 5u);
}

BOOST_AUTO_TEST_CASE(a_refused_request_leaves_the_channel_as_it_was) {
  tenon::engine_thread thread{make(), {.max_requests = 1}};
  asio::io_context context;
  tenon::token_channel channel{context.get_executor(), thread};
  BOOST_CHECK_THROW(channel.submit(greedy_request({}, 3)), request_error);
  BOOST_CHECK(channel.ended());
  auto const place = thread.reserve();
  BOOST_CHECK_THROW(channel.submit(greedy_request({1}, 3)), overloaded_error);
  BOOST_CHECK(channel.ended());
  BOOST_CHECK_THROW((tenon::token_channel{context.get_executor(), thread, greedy_request({1}, 3)}),
                    overloaded_error);
}

BOOST_AUTO_TEST_CASE(an_engine_that_stops_ends_the_stream_with_the_reason) {
  asio::io_context context;
  std::optional<small::outcome> heard;
  std::optional<tenon::engine_thread> thread{std::in_place, make()};
  asio::co_spawn(
      context, [&]() -> asio::awaitable<void> { heard = co_await ask(*thread, endless()); }, asio::detached);
  context.poll();
  thread->stop();
  context.run();
  BOOST_REQUIRE(heard);
  BOOST_CHECK(heard->finish.at(0) == finish_reason::failed);
  BOOST_CHECK_EQUAL(heard->message.at(0), "the engine is shutting down");
}

BOOST_AUTO_TEST_CASE(a_context_may_go_while_the_engine_generates) {
  tenon::engine_thread thread{make()};
  for (int round = 0; round < 20; ++round) {
    asio::io_context context;
    for (int i = 0; i < 4; ++i) asio::co_spawn(context, ask(thread, endless()), asio::detached);
    for (int i = 0; i <= round; ++i) context.run_one_for(std::chrono::milliseconds{1});
  }
  BOOST_CHECK(soon([&] { return thread.open_requests() == 0; }));
  thread.drain();
  BOOST_CHECK_EQUAL(thread.stats().pages.held, 0);
}

BOOST_AUTO_TEST_SUITE_END()
