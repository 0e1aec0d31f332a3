// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/exchange.hpp"
#include "server/openai/model_service.hpp"

/// The routes of the OpenAI API over the shipped model on the CPU, without HTTP.
namespace openai_test {

using boost::json::object;
using boost::json::value;

/// What a route answered.
struct answer {
  int status = 0;
  std::string body{};
  std::vector<server::header> headers{};
  std::vector<std::string> events{};  ///< of a stream: what stood behind each "data: "
  bool ended = false;                 ///< end_events was called
  bool cancelled = false;             ///< the route was cancelled before it had answered

  value json() const { return boost::json::parse(body); }
  /// The chunks of a stream, without "[DONE]".
  std::vector<value> chunks() const;
  std::string header(std::string_view name) const;
  /// The "error" object of an answer or of a stream's last event.
  object error() const;
};

/// A service with an engine of its own, to be filled up or ended.
class own_service {
 public:
  explicit own_service(tenon::inbox_limits limits = {});
  own_service(own_service const&) = delete;
  own_service& operator=(own_service const&) = delete;
  ~own_service();

  server::model_service& service() noexcept;
  tenon::engine_thread& engine() noexcept;

 private:
  struct program;
  std::unique_ptr<program> self_;
};

/// The one service of the test program: names "tiny" and "other/name", greedy unless a request says
/// otherwise.
server::model_service& service();

/// How a client behaves.
struct client {
  std::string tenant{};
  std::function<void(std::size_t)> on_events{};      ///< hears how many there are, after each write
  std::optional<std::size_t> leaves_after_events{};  ///< goes away: the route is cancelled at the next wait
  std::optional<std::size_t> leaves_after_posts{};   ///< goes away after so many turns of its event loop
};

answer ask(std::string_view path, std::string_view body, client const& who = {},
           server::model_service& of = service());
answer get(std::string_view path);

/// Several requests at once on one event loop.
std::vector<answer> ask_all(std::string_view path, std::vector<std::string> const& bodies,
                            server::model_service& of = service());

/// Waits until nothing is open, and tells whether every page is free or cached.
bool every_page_is_back(tenon::engine_thread& engine = service().engine);

}  // namespace openai_test
