// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/progress_bar.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>

#include "tenon/checkpoint/upload_queue.hpp"

namespace {

/// What was written to `descriptor`'s other end so far.
std::string drain(int descriptor) {
  ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
  std::array<char, 4096> bytes;
  auto const got = ::read(descriptor, bytes.data(), bytes.size());
  return {bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

/// What a terminal shows up to and with the end of a line: its kernel side hands text over in its own time.
std::string read_line(int terminal) {
  std::string line;
  ::pollfd readable{.fd = terminal, .events = POLLIN, .revents = 0};
  while (!line.ends_with('\n') && ::poll(&readable, 1, 10'000) > 0) line += drain(terminal);
  return line;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(progress_bar)

BOOST_AUTO_TEST_CASE(a_line_tells_share_bytes_time_and_speed) {
  BOOST_TEST(tenon::progress_bar::line("loading", 1'720'000'000, 3'440'000'000, 2.0) ==
             "loading [###############...............]  50 %  1.72 of 3.44 GB in 2.0 s  0.86 GB/s");
  BOOST_TEST(tenon::progress_bar::line("x", 0, 0, 0.0) ==
             "x [##############################] 100 %  0.00 of 0.00 GB in 0.0 s  0.00 GB/s");
}

BOOST_AUTO_TEST_CASE(nothing_is_drawn_where_there_is_no_terminal) {
  std::array<int, 2> ends;
  BOOST_REQUIRE(::pipe(ends.data()) == 0);
  {
    tenon::progress_bar bar{"loading", ends[1]};
    tenon::load_progress const progress = std::ref(bar);
    progress(1, 2);
    progress(2, 2);
  }
  BOOST_TEST(drain(ends[0]).empty());
  ::close(ends[0]);
  ::close(ends[1]);
}

BOOST_AUTO_TEST_CASE(a_terminal_sees_one_line_that_ends) {
  int const terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || ::grantpt(terminal) != 0 || ::unlockpt(terminal) != 0) {
    BOOST_TEST_MESSAGE("skipped: no pseudo terminal can be opened");
    return;
  }
  int const user = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
  BOOST_REQUIRE(user >= 0);
  {
    tenon::progress_bar bar{"loading", user};
    bar(1, 4);
    bar(4, 4);
  }
  auto const text = read_line(terminal);
  BOOST_TEST(text.find("\rloading [#######") == 0u);
  BOOST_TEST(text.find("\rloading [##############################] 100 %") != std::string::npos);
  BOOST_TEST(text.ends_with("\n"));
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 1);
  {
    tenon::progress_bar bar{"loading", user};
    bar(1, 4);
  }
  BOOST_TEST(read_line(terminal).ends_with("\n"));  // given up half way
  ::close(user);
  ::close(terminal);
}

BOOST_AUTO_TEST_SUITE_END()
