// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/server_state.hpp"

namespace server {

/// The port, the threads that serve it, and all connections. `shared` must outlive it.
class listener {
 public:
  /// Listens from here on. Port 0: a free one. Throws std::runtime_error that says what is wrong.
  listener(server_state& shared, std::string const& address, std::uint16_t port, int threads);
  listener(listener const&) = delete;
  listener& operator=(listener const&) = delete;
  ~listener();

  /// Closes the port and every connection, cancels what is in progress, and ends the threads. The context is
  /// still there after it, for whoever posts to it.
  void stop();

  std::uint16_t port() const noexcept { return port_; }
  boost::asio::io_context& context() noexcept { return context_; }

 private:
  struct connection;

  boost::asio::awaitable<void> accept();
  void start(boost::asio::ip::tcp::socket socket);
  void close_all();

  server_state& shared_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  boost::asio::cancellation_signal stop_accepting_;
  std::mutex mutex_;
  std::list<std::shared_ptr<connection>> connections_;
  std::vector<std::thread> threads_;
};

}  // namespace server
