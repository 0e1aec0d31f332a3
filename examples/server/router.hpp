// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/exchange.hpp"

namespace server {

/// Answers one request: exactly one response or one event stream. What it throws becomes a 500 without
/// details, or an error event.
using route_handler = std::function<boost::asio::awaitable<void>(http_request const&, reply&)>;

/// Who may call a route, and when.
enum class access {
  keyed,         ///< needs an API key where keys are set, and a model that serves
  keyed_always,  ///< the same, also while the model loads and while the server drains
  open           ///< anyone, at any time
};

struct route {
  std::string method;
  std::string path;
  route_handler handler;
  access allowed = access::keyed;
};

/// The table of routes: filled once, then only read.
class router {
 public:
  /// A path that ends in "/*" stands for all longer paths that begin so; an exact path goes first.
  void add(std::string method, std::string path, route_handler handler, access allowed = access::keyed);

  struct match {
    route const* found = nullptr;  ///< GET's route also answers HEAD
    std::string allow{};           ///< the methods of the path, as in an Allow header; empty: no such path
  };
  match find(std::string_view method, std::string_view path) const;

 private:
  std::vector<route> routes_;
};

}  // namespace server
