// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace server_test {

/// An answer as it came over the socket.
struct raw_response {
  int status = 0;
  std::string head{};  ///< with the empty line
  std::string body{};  ///< chunks joined

  /// A header's value; nothing if it is not there.
  std::optional<std::string> field(std::string_view name) const {
    for (std::size_t at = head.find("\r\n"); at + 4 < head.size(); at = head.find("\r\n", at + 2)) {
      auto const line = std::string_view{head}.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
      auto const colon = line.find(':');
      if (!boost::beast::iequals(line.substr(0, colon), name)) continue;
      return std::string{line.substr(line.find_first_not_of(' ', colon + 1))};
    }
    return std::nullopt;
  }
  bool says_close() const { return field("Connection").value_or("") == "close"; }
};

/// A blocking socket that sends any bytes, and never waits for ever.
class raw_client {
 public:
  static constexpr auto patience = std::chrono::milliseconds{20'000};

  explicit raw_client(std::uint16_t port, int receive_buffer = 0)
      : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    if (receive_buffer > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
      throw std::runtime_error{"no connection"};
    }
  }
  raw_client(raw_client const&) = delete;
  raw_client& operator=(raw_client const&) = delete;
  ~raw_client() { close(); }

  /// False when the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto const sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// The next response, without a body after HEAD. Nothing when the connection ends before its head is there.
  std::optional<raw_response> receive(bool after_head = false) {
    auto end = inbox_.find("\r\n\r\n");
    for (; end == std::string::npos; end = inbox_.find("\r\n\r\n")) {
      if (!fill()) return std::nullopt;
    }
    raw_response got{.head = take(end + 4)};
    got.status = std::stoi(got.head.substr(9, 3));
    if (after_head || got.status == 204 || got.status == 100) return got;
    if (got.field("Transfer-Encoding")) {
      take_chunks(got.body);
    } else if (auto const length = got.field("Content-Length")) {
      auto const wanted = std::stoul(*length);
      while (inbox_.size() < wanted) {
        if (!fill()) throw std::runtime_error{"a body that ends early"};
      }
      got.body = take(wanted);
    } else {
      got.body = receive_rest();
    }
    return got;
  }

  /// All there is until the other side closes.
  std::string receive_rest() {
    while (fill()) {
    }
    return std::exchange(inbox_, {});
  }

  /// At least one more byte, and at most so many; empty at the end.
  std::string receive_some(std::size_t at_most = 65536) {
    if (inbox_.empty()) fill(at_most);
    return std::exchange(inbox_, {});
  }

  /// Whether the other side closes in time, and sends nothing before.
  bool is_closed(std::chrono::milliseconds at_most = patience) {
    char byte = 0;
    return inbox_.empty() && wait(at_most) && ::recv(socket_, &byte, 1, 0) <= 0;
  }
  /// Whether the other side has said nothing, and not closed, for so long.
  bool is_silent(std::chrono::milliseconds time) { return inbox_.empty() && !wait(time); }

  void shutdown_send() { ::shutdown(socket_, SHUT_WR); }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  /// Ends the connection with a reset.
  void reset() {
    linger const at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }

 private:
  bool wait(std::chrono::milliseconds at_most) {
    pollfd watched{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::poll(&watched, 1, static_cast<int>(at_most.count())) > 0;
  }

  /// False when the connection has ended.
  bool fill(std::size_t at_most = 65536) {
    if (!wait(patience)) throw std::runtime_error{"no answer"};
    char bytes[65536];
    auto const got = ::recv(socket_, bytes, std::min(at_most, sizeof bytes), 0);
    if (got > 0) inbox_.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
  }

  std::string take(std::size_t count) {
    auto part = inbox_.substr(0, count);
    inbox_.erase(0, count);
    return part;
  }

  std::string take_line() {
    while (inbox_.find("\r\n") == std::string::npos) {
      if (!fill()) throw std::runtime_error{"a chunk that ends early"};
    }
    return take(inbox_.find("\r\n") + 2);
  }

  void take_chunks(std::string& body) {
    for (;;) {
      auto const size = std::stoul(take_line(), nullptr, 16);
      while (inbox_.size() < size + 2) {
        if (!fill()) throw std::runtime_error{"a chunk that ends early"};
      }
      body += take(size);
      if (take(2) != "\r\n") throw std::runtime_error{"a chunk without an end"};
      if (size == 0) return;
    }
  }

  int socket_;
  std::string inbox_;
};

}  // namespace server_test
