// SPDX-License-Identifier: Apache-2.0
#include "server/event_log.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

namespace {

using server::severity;

/// What a log writes into a pipe.
template <class Use> std::string written_by(severity least, Use const& use) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  std::string text;
  std::thread reader{[&] {
    char bytes[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], bytes, sizeof bytes)) > 0;) {
      text.append(bytes, static_cast<std::size_t>(got));
    }
  }};
  {
    server::event_log log{ends[1], least};
    use(log);
  }
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  return text;
}

BOOST_AUTO_TEST_SUITE(event_log)

BOOST_AUTO_TEST_CASE(an_event_is_a_line) {
  auto const text = written_by(severity::info, [](server::event_log& log) {
    log.write(severity::info, "request", {{"id", "a-1"}, {"path", "/v1/x"}, {"none", ""}});
    log.write(severity::debug, "hidden");
    log.write(severity::error, "bad", {{"what", "two words"}});
  });
  BOOST_TEST(std::ranges::count(text, '\n') == 2);
  BOOST_TEST(text.find("Z info request id=a-1 path=/v1/x none=\"\"\n") == 23u);
  BOOST_TEST(text.find("Z error bad what=\"two words\"\n") != std::string::npos);
  BOOST_TEST(text.find("hidden") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(nobody_else_writes_a_line) {
  auto const text = written_by(severity::info, [](server::event_log& log) {
    log.write(severity::info, "e", {{"v", "a\n2026 info request id=forged\x1b[31m\"\\\xff"}});
  });
  BOOST_TEST(std::ranges::count(text, '\n') == 1);
  BOOST_TEST(text.find("v=\"a\\x0a2026 info request id=forged\\x1b[31m\\\"\\\\\\xff\"\n") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(many_threads_write_whole_lines) {
  auto const text = written_by(severity::info, [](server::event_log& log) {
    std::vector<std::thread> writers;
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([&] {
        for (int k = 0; k < 500; ++k) log.write(severity::info, "event", {{"value", std::string(200, 'v')}});
      });
    }
    for (auto& writer : writers) writer.join();
  });
  auto const whole = " info event value=" + std::string(200, 'v');
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1, ++lines) {
    BOOST_REQUIRE((text.substr(at + 24, whole.size()) == whole));
  }
  BOOST_TEST(lines == 2000u);
}

BOOST_AUTO_TEST_CASE(a_flush_waits_until_lines_are_out) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  {
    server::event_log log{ends[1]};
    for (int i = 0; i < 3; ++i) {
      log.write(severity::info, "event");
      log.flush();
      char bytes[4096];
      auto const got = ::read(ends[0], bytes, sizeof bytes);
      BOOST_REQUIRE(got > 0);
      BOOST_TEST(bytes[got - 1] == '\n');
    }
    // Nobody reads: the pipe fills, and a flush gives up.
    for (int i = 0; i < 2'000; ++i) log.write(severity::info, "event", {{"value", std::string(100, 'v')}});
    log.flush();
    ::signal(SIGPIPE, SIG_IGN);
    ::close(ends[0]);  // else the log's thread would wait for ever
  }
  ::close(ends[1]);
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_a_reader_who_does_not_read) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  std::thread reader;
  {
    server::event_log log{ends[1]};
    for (int i = 0; i < 20'000; ++i) log.write(severity::info, "event", {{"value", std::string(100, 'v')}});
    // All of that is far more than a pipe holds. Only the destructor waits.
    reader = std::thread{[&] {
      char bytes[65536];
      while (::read(ends[0], bytes, sizeof bytes) > 0) {
      }
    }};
  }
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
