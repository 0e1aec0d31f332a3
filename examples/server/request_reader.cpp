// SPDX-License-Identifier: Apache-2.0
#include "server/request_reader.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "server/head_scanner.hpp"

namespace server {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t head_read = 4 << 10;  // held by every idle connection
constexpr std::size_t body_read = 16 << 10;
constexpr refusal late_head{408, "the headers did not come in time", "request_timeout"};
constexpr refusal late_body{408, "the body came too slowly", "request_timeout"};
constexpr refusal no_room{503, "too many large requests at one time", "overloaded"};
constexpr refusal unreadable{400, "the request could not be read", "invalid_framing"};

}  // namespace

/// Adds to the inbox what there is, once there is something.
asio::awaitable<transfer> request_reader::read_more(std::size_t at_most, time_point deadline) {
  auto const before = inbox_.size();
  inbox_.resize(before + at_most);
  auto const got = co_await socket_->read_some(asio::buffer(inbox_.data() + before, at_most), deadline);
  inbox_.resize(before + got.bytes);
  co_return got;
}

asio::awaitable<std::variant<request_head, refusal, connection_end>> request_reader::read_head() {
  using result = std::variant<request_head, refusal, connection_end>;
  head_scanner scanner{*limits_};
  std::optional<time_point> begun;
  auto const idle_since = clock::now();
  while (!scanner.look(inbox_)) {
    if (scanner.refused()) co_return result{*scanner.refused()};
    if (!begun && scanner.begun()) begun = clock::now();
    auto deadline = idle_since + limits_->idle_time;
    if (begun)
      deadline = *begun + limits_->header_time;  // g++ 12 evaluates both sides of a ?: beside co_await
    auto const got = co_await read_more(head_read, deadline);
    if (got.bytes > 0) continue;
    if (got.late && begun) co_return result{late_head};
    co_return result{connection_end{}};
  }
  auto taken = take_head(scanner.begin(), scanner.end());
  if (auto* const wrong = std::get_if<refusal>(&taken)) co_return result{*wrong};
  co_return result{std::get<request_head>(std::move(taken))};
}

std::variant<request_head, refusal> request_reader::take_head(std::size_t begin, std::size_t end) {
  request_head head;
  auto const text = inbox_.substr(begin, end - begin);
  head.arrived = clock::now();
  inbox_.erase(0, end);
  auto framing = read_framing(text, *limits_);
  if (auto const* const wrong = std::get_if<refusal>(&framing)) {
    refused_.request_id = find_header(text, "x-request-id");
    refused_.origin = find_header(text, "Origin");
    return *wrong;
  }
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(static_cast<std::uint32_t>(text.size()) + 1);
  parser_->body_limit(limits_->body_bytes);
  chunks_.reset();
  guarded_ = 0;
  boost::system::error_code error;
  auto const used = parser_->put(asio::buffer(text), error);
  if ((error && error != http::error::need_buffer) || used != text.size()) return unreadable;
  auto const& fields = parser_->get();
  head.keep_alive = fields.keep_alive();
  head.authorization = fields[http::field::authorization];
  head.origin = fields[http::field::origin];
  head.content_type = fields[http::field::content_type];
  head.request_id = fields["x-request-id"];
  head.framing = std::get<request_framing>(std::move(framing));
  if (head.framing.chunked) chunks_.emplace(*limits_);
  return head;
}

request_head request_reader::take_refused() {
  refused_.arrived = clock::now();
  return std::exchange(refused_, {});
}

asio::awaitable<bool> request_reader::write_continue() {
  std::string_view left = "HTTP/1.1 100 Continue\r\n\r\n";
  while (!left.empty()) {
    auto const sent = co_await socket_->write_some(left, clock::now() + limits_->stall_time);
    if (sent.bytes == 0) co_return false;
    left.remove_prefix(sent.bytes);
  }
  co_return true;
}

asio::awaitable<std::variant<std::monostate, refusal, connection_end>> request_reader::read_body(
    std::string& body, body_budget& budget) {
  using result = std::variant<std::monostate, refusal, connection_end>;
  auto const begun = clock::now();
  for (;;) {
    if (auto wrong = take_body(body)) co_return result{*wrong};
    if (!budget.hold(body.size())) co_return result{no_room};
    if (parser_->is_done()) break;
    // Every `body_rate` bytes buy the client another second.
    auto const bought =
        std::chrono::milliseconds{body.size() * 1000 / std::max<std::uint64_t>(1, limits_->body_rate)};
    auto const got = co_await read_more(body_read, begun + limits_->body_grace + bought);
    if (got.late) co_return result{late_body};
    if (got.bytes == 0) co_return result{connection_end{}};
  }
  parser_.reset();
  if (inbox_.capacity() > body_read) inbox_.shrink_to_fit();
  co_return result{};
}

/// Moves what the inbox holds of the body.
std::optional<refusal> request_reader::take_body(std::string& body) {
  if (parser_->is_done()) return {};
  auto bytes = std::string_view{inbox_};
  if (chunks_) {
    guarded_ += chunks_->look(bytes.substr(guarded_));
    bytes = bytes.substr(0, guarded_);
  } else {
    bytes = bytes.substr(0, parser_->content_length_remaining().value_or(0));
  }
  if (!decode(bytes, body)) return unreadable;
  if (chunks_ && chunks_->refused()) return chunks_->refused();
  if (chunks_ && chunks_->done() != parser_->is_done()) return unreadable;
  return {};
}

bool request_reader::decode(std::string_view bytes, std::string& body) {
  std::array<char, 8192> window;
  std::size_t used = 0;
  while (used < bytes.size() && !parser_->is_done()) {
    auto& out = parser_->get().body();
    out.data = window.data();
    out.size = window.size();
    boost::system::error_code error;
    auto const step = parser_->put(asio::buffer(bytes.substr(used)), error);
    body.append(window.data(), window.size() - out.size);
    used += step;
    if (error == http::error::need_more) break;
    if (error && error != http::error::need_buffer) return false;
  }
  inbox_.erase(0, used);
  guarded_ -= std::min(guarded_, used);
  return true;
}

asio::awaitable<void> request_reader::watch() {
  auto const never = time_point::max();
  while (inbox_.size() < limits_->header_bytes) {
    auto const got = co_await read_more(head_read, never);
    if (got.bytes == 0) co_return;
  }
  // Enough of later requests: from here on only a reset tells.
  boost::system::error_code ignored;
  co_await socket_->next_layer().async_wait(asio::ip::tcp::socket::wait_error,
                                            asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace server
