// SPDX-License-Identifier: Apache-2.0
#include "server/timed_socket.hpp"

#include <array>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace server {

namespace asio = boost::asio;
using asio::experimental::make_parallel_group;
using asio::experimental::wait_for_one;

namespace {

transfer outcome(bool late, boost::system::error_code error, std::size_t bytes) {
  if (bytes > 0) return {.bytes = bytes};
  if (late) return {.late = true};
  return {.error = error};
}

}  // namespace

timed_socket::timed_socket(asio::ip::tcp::socket socket)
    : socket_{std::move(socket)},
      read_deadline_{socket_.get_executor()},
      write_deadline_{socket_.get_executor()} {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
}

asio::awaitable<transfer> timed_socket::read_some(asio::mutable_buffer into, time_point deadline) {
  if (ended_) co_return transfer{.error = ended_};
  read_deadline_.expires_at(deadline);
  auto const [order, error, bytes, timer_error] =
      co_await make_parallel_group(socket_.async_read_some(into, asio::deferred),
                                   read_deadline_.async_wait(asio::deferred))
          .async_wait(wait_for_one{}, asio::use_awaitable);
  // Who watches a client may be cancelled with this in hand, and the next reader has to learn it.
  if (bytes == 0 && error && error != asio::error::operation_aborted) ended_ = error;
  co_return outcome(order[0] == 1 && !timer_error, error, bytes);
}

asio::awaitable<transfer> timed_socket::write_some(std::string_view from, time_point deadline) {
  auto const now = write_now(from);
  if (now.bytes > 0 || now.error) co_return now;
  write_deadline_.expires_at(deadline);
  auto const [order, error, bytes, timer_error] =
      co_await make_parallel_group(socket_.async_write_some(asio::buffer(from), asio::deferred),
                                   write_deadline_.async_wait(asio::deferred))
          .async_wait(wait_for_one{}, asio::use_awaitable);
  co_return outcome(order[0] == 1 && !timer_error, error, bytes);
}

transfer timed_socket::write_now(std::string_view from) {
  boost::system::error_code error;
  auto const bytes = socket_.write_some(asio::buffer(from), error);
  if (error == asio::error::would_block || error == asio::error::try_again) error = {};
  return {.bytes = bytes, .error = error};
}

asio::awaitable<void> timed_socket::linger(std::chrono::milliseconds at_most) {
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  auto const deadline = std::chrono::steady_clock::now() + at_most;
  std::array<char, 4096> thrown_away{};
  while (!ignored) {
    auto const got = co_await read_some(asio::buffer(thrown_away), deadline);
    if (got.bytes == 0 || std::chrono::steady_clock::now() >= deadline) break;
  }
  close();
}

void timed_socket::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void timed_socket::abort() noexcept {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
  socket_.close(ignored);
}

}  // namespace server
