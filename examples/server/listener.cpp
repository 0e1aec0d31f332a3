// SPDX-License-Identifier: Apache-2.0
#include "server/listener.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>
#include <utility>

#include "server/error_response.hpp"
#include "server/http_session.hpp"
#include "server/request_id.hpp"
#include "server/response_head.hpp"

namespace server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto pause_without_descriptors = std::chrono::milliseconds{50};
std::string full() {
  auto const response = error_response(
      503,
      {.message = "too many connections are open", .type = "server_error", .code = "too_many_connections"});
  reply_style const style{.keep_alive = false, .request_id = request_id_for({})};
  return response_head(response, style, response.body.size()) + response.body;
}

tcp::acceptor open_acceptor(asio::io_context& context, std::string const& address, std::uint16_t port) {
  boost::system::error_code error;
  tcp::endpoint const endpoint{asio::ip::make_address(address, error), port};
  if (error) throw std::runtime_error{"host: expected an IP address, found '" + address + "'"};
  tcp::acceptor acceptor{asio::make_strand(context)};
  acceptor.open(endpoint.protocol());
  acceptor.set_option(asio::socket_base::reuse_address{true});
  acceptor.bind(endpoint, error);
  if (error) {
    throw std::runtime_error{"cannot listen on " + address + " port " + std::to_string(port) + ": " +
                             error.message()};
  }
  acceptor.listen(asio::socket_base::max_listen_connections);
  return acceptor;
}

}  // namespace

/// A connection while it is open. Its coroutine and the list share it; it owns neither.
struct listener::connection {
  connection(tcp::socket socket, server_state& shared)
      : strand{socket.get_executor()}, session{std::move(socket), shared} {}

  tcp::socket::executor_type strand;
  http_session session;
  asio::cancellation_signal stop;  // emitted on the strand
};

listener::listener(server_state& shared, std::string const& address, std::uint16_t port, int threads)
    : shared_{shared}, context_{threads}, acceptor_{open_acceptor(context_, address, port)} {
  port_ = acceptor_.local_endpoint().port();
  asio::co_spawn(acceptor_.get_executor(), accept(),
                 asio::bind_cancellation_slot(stop_accepting_.slot(), asio::detached));
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { context_.run(); });
  }
}

listener::~listener() {
  stop();
}

void listener::stop() {
  if (threads_.empty()) return;
  asio::post(acceptor_.get_executor(), [this] { close_all(); });
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

/// After this the context runs out of work.
void listener::close_all() {
  stop_accepting_.emit(asio::cancellation_type::terminal);
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  std::scoped_lock lock{mutex_};
  for (auto const& open : connections_) {
    asio::post(open->strand, [open] { open->stop.emit(asio::cancellation_type::terminal); });
  }
}

asio::awaitable<void> listener::accept() {
  asio::steady_timer pause{acceptor_.get_executor()};
  while (acceptor_.is_open()) {
    auto [error, socket] =
        co_await acceptor_.async_accept(asio::make_strand(context_), asio::as_tuple(asio::use_awaitable));
    if (!error) {
      start(std::move(socket));
      continue;
    }
    if (error == asio::error::operation_aborted) break;
    // Most often the process has no descriptors left: accepting again at once would spin.
    shared_.log.write(severity::warning, "accept_failed", {{"what", error.message()}});
    pause.expires_after(pause_without_descriptors);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void listener::start(tcp::socket socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::socket_base::send_buffer_size{shared_.limits.send_buffer_bytes}, ignored);
  if (shared_.connections.load() >= shared_.limits.connections) {
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(full()), ignored);
    return;
  }
  auto const open = std::make_shared<connection>(std::move(socket), shared_);
  std::scoped_lock lock{mutex_};
  auto const place = connections_.insert(connections_.end(), open);
  auto const forget = [this, open, place](std::exception_ptr) {
    std::scoped_lock relock{mutex_};
    connections_.erase(place);
  };
  asio::co_spawn(open->strand, open->session.run(), asio::bind_cancellation_slot(open->stop.slot(), forget));
}

}  // namespace server
