// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/upload_queue.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "checkpoint/memory_backend.hpp"

using tenon_test::memory_backend;
using queue_type = tenon::upload_queue<memory_backend>;
using lane_type = tenon::upload_lane<memory_backend>;

BOOST_AUTO_TEST_SUITE(upload_queue)

BOOST_AUTO_TEST_CASE(every_job_runs_once_on_any_number_of_threads) {
  for (unsigned threads : {1u, 2u, 8u}) {
    memory_backend::context context{{}};
    std::vector<int> to(500, -1);
    queue_type queue;
    for (int i = 0; i < 500; ++i) {
      queue.add(2, [i, &to](lane_type& lane) {
        auto const value = lane.target_scratch<int>(1);
        value[0] = to[static_cast<std::size_t>(i)] == -1 ? i : -2;
        lane.upload(&to[static_cast<std::size_t>(i)], std::as_bytes(value));
      });
    }
    std::uint64_t last = 0;
    std::size_t reports = 0;
    queue.run(context, threads, [&](std::uint64_t done, std::uint64_t total) {
      BOOST_TEST_REQUIRE((done > last && total == 1000));
      last = done;
      ++reports;
    });
    BOOST_TEST(last == 1000u);
    BOOST_TEST(reports == 500u);
    for (int i = 0; i < 500; ++i) BOOST_TEST_REQUIRE(to[static_cast<std::size_t>(i)] == i);
  }
}

BOOST_AUTO_TEST_CASE(the_first_failure_stops_the_rest_and_is_rethrown) {
  memory_backend::context context{{}};
  queue_type queue;
  std::atomic<int> ran{0};
  queue.add(1, [](lane_type&) { throw std::runtime_error{"disk"}; });
  for (int i = 0; i < 1000; ++i) queue.add(1, [&](lane_type&) { ++ran; });
  BOOST_CHECK_EXCEPTION(queue.run(context, 1, {}), std::runtime_error,
                        [](auto const& failure) { return failure.what() == std::string{"disk"}; });
  BOOST_TEST(ran == 0);
}

BOOST_AUTO_TEST_CASE(a_requested_stop_leaves_the_rest_undone) {
  memory_backend::context context{{}};
  queue_type queue;
  std::stop_source stop;
  int ran = 0;
  for (int i = 0; i < 10; ++i) {
    queue.add(1, [&](lane_type&) {
      if (++ran == 3) stop.request_stop();
    });
  }
  queue.run(context, 1, {}, stop.get_token());
  BOOST_TEST(ran == 3);
}

BOOST_AUTO_TEST_CASE(a_failure_stops_the_other_threads) {
  memory_backend::context context{{}};
  queue_type queue;
  std::atomic<int> ran{0};
  queue.add(1, [&](lane_type&) {
    while (ran == 0) std::this_thread::yield();  // another thread is at work
    throw std::runtime_error{"disk"};
  });
  for (int i = 0; i < 1000; ++i) {
    queue.add(1, [&](lane_type&) {
      ++ran;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    });
  }
  BOOST_CHECK_THROW(queue.run(context, 2, {}), std::runtime_error);
  BOOST_TEST(ran < 1000);
}

BOOST_AUTO_TEST_CASE(scratch_areas_do_not_overlap_and_keep_their_size) {
  memory_backend::context context{{}};
  queue_type queue;
  queue.add(1, [](lane_type& lane) {
    auto const source = lane.source_scratch(100);
    auto const target = lane.target_scratch<double>(50);
    BOOST_TEST(source.size() == 100u);
    BOOST_TEST(target.size() == 50u);
    std::ranges::fill(source, std::byte{1});
    std::ranges::fill(target, 0.0);
    BOOST_TEST((source.front() == std::byte{1} && source.back() == std::byte{1}));
    BOOST_TEST(lane.source_scratch(10).size() == 10u);
  });
  queue.run(context, 1, {});
}

BOOST_AUTO_TEST_SUITE_END()
