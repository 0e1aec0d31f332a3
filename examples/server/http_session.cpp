// SPDX-License-Identifier: Apache-2.0
#include "server/http_session.hpp"

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <exception>
#include <utility>
#include <variant>

#include "server/admission.hpp"
#include "server/error_response.hpp"
#include "server/http_reply.hpp"
#include "server/request_id.hpp"

namespace server {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

namespace {

/// A body that is not wanted is read up to this size, so that the connection can go on.
constexpr std::uint64_t most_skipped = 64 << 10;

reply_style style_of(request_head const& head, server_state const& shared, std::string id) {
  return {.http_1_0 = head.framing.http_1_0,
          .head_only = head.framing.method == "HEAD",
          .keep_alive = head.keep_alive,
          .request_id = std::move(id),
          .origin = allowed_origin(shared, head.origin)};
}

error_text const failed{.message = "the request could not be answered because of an error in the server",
                        .type = "server_error",
                        .code = "internal_error"};

}  // namespace

/// One request and its answer.
struct http_session::call {
  call(http_session& session, request_head given)
      : shared{session.shared_},
        head{std::move(given)},
        out{session.socket_, shared.limits, style_of(head, shared, request_id_for(head.request_id))},
        budget{shared.buffered_bytes, shared.limits.buffered_bytes} {
    request.method = head.framing.method;
    request.path = head.framing.path;
    request.query = head.framing.query;
    request.id = out.style().request_id;
    request.arrived = head.arrived;
    shared.open_requests.fetch_add(1);
  }
  call(call const&) = delete;
  call& operator=(call const&) = delete;
  ~call() { shared.open_requests.fetch_sub(1); }

  server_state& shared;
  request_head head;
  http_request request{};
  http_reply out;
  body_budget budget;
  admitted in{};
};

http_session::http_session(asio::ip::tcp::socket socket, server_state& shared)
    : shared_{shared}, socket_{std::move(socket)}, reader_{socket_, shared.limits} {
  shared_.connections.fetch_add(1);
}

http_session::~http_session() {
  shared_.connections.fetch_sub(1);
}

asio::awaitable<void> http_session::run() {
  auto then = next::request;
  while (then == next::request) {
    auto taken = co_await reader_.read_head();
    if (std::holds_alternative<connection_end>(taken)) break;
    if (auto const* const why = std::get_if<refusal>(&taken)) {
      call now{*this, reader_.take_refused()};
      now.out.close_after();
      co_await now.out.deliver(error_response(*why));
      note(now);
      then = next::close;
    } else {
      then = co_await serve(std::get<request_head>(std::move(taken)));
    }
  }
  if (then == next::abort) {
    socket_.abort();
  } else {
    co_await socket_.linger(shared_.limits.linger_time);
  }
}

asio::awaitable<http_session::next> http_session::serve(request_head head) {
  call now{*this, std::move(head)};
  auto const at_last = ++requests_ >= shared_.limits.requests_per_connection;
  if (at_last || shared_.now.load() >= phase::draining) now.out.close_after();
  auto decision = admit(now.head, shared_);
  if (auto* const response = std::get_if<http_response>(&decision)) {
    if (!co_await skip_body(now)) now.out.close_after();
    co_await now.out.deliver(std::move(*response));
  } else {
    now.in = std::get<admitted>(std::move(decision));
    now.request.tenant = now.in.tenant;
    if (co_await read_body(now)) co_await run_route(now);
  }
  note(now);
  if (!now.out.complete()) co_return next::abort;
  if (now.out.style().keep_alive && shared_.now.load() < phase::draining) co_return next::request;
  co_return next::close;
}

/// False when there is no body, and what was wrong has been answered.
asio::awaitable<bool> http_session::read_body(call& now) {
  if (now.head.framing.expects_continue && !co_await reader_.write_continue()) co_return false;
  auto const got = co_await reader_.read_body(now.request.body, now.budget);
  if (auto const* const why = std::get_if<refusal>(&got)) {
    now.request.body = {};
    now.budget.hold(0);
    now.out.close_after();
    co_await now.out.deliver(error_response(*why));
  }
  co_return std::holds_alternative<std::monostate>(got);
}

/// False when the connection cannot go on behind the answer.
asio::awaitable<bool> http_session::skip_body(call& now) {
  auto const& framing = now.head.framing;
  if (!framing.has_body()) co_return true;
  if (framing.expects_continue || framing.chunked || framing.content_length > most_skipped) co_return false;
  std::string unwanted;
  auto const got = co_await reader_.read_body(unwanted, now.budget);
  co_return std::holds_alternative<std::monostate>(got);
}

/// Runs the route, and beside it what writes the answer and what watches the client. The first to end ends
/// the others: a client that has gone, or that does not read, cancels the route.
asio::awaitable<void> http_session::run_route(call& now) {
  auto const strand = co_await asio::this_coro::executor;
  co_await asio::experimental::make_parallel_group(asio::co_spawn(strand, answer(now), asio::deferred),
                                                   asio::co_spawn(strand, now.out.pump(), asio::deferred),
                                                   asio::co_spawn(strand, reader_.watch(), asio::deferred))
      .async_wait(asio::experimental::wait_for_one{}, asio::use_awaitable);
}

asio::awaitable<void> http_session::answer(call& now) {
  std::string wrong;
  try {
    co_await now.in.way->handler(now.request, now.out);
    if (!now.out.begun()) wrong = "the route sent no answer";
    if (now.out.streaming()) wrong = "the route left its stream open";
  } catch (std::exception const& thrown) {
    wrong = thrown.what();
  }
  if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) co_return;
  if (now.out.broken()) co_return;
  if (!wrong.empty()) {
    shared_.log.write(severity::error, "route_failed", {{"id", now.request.id}, {"what", wrong}});
    now.out.close_after();
    if (now.out.streaming()) {
      co_await now.out.write_events("data: " + to_json(failed) + "\n\n");
      co_await now.out.end_events();
    } else if (!now.out.begun()) {
      co_await now.out.send(error_response(500, failed));
    }
  }
  co_await now.out.finish();
}

void http_session::note(call const& now) {
  auto const took = std::chrono::duration<double, std::milli>{clock::now() - now.request.arrived};
  char milliseconds[32];
  std::snprintf(milliseconds, sizeof milliseconds, "%.1f", took.count());
  auto const* const end = now.out.complete()  ? "complete"
                          : now.out.stalled() ? "reader_stalled"
                                              : "client_gone";
  shared_.log.write(severity::info, "request",
                    {{"id", now.request.id},
                     {"method", now.request.method},
                     {"path", now.request.path.substr(0, 128)},
                     {"status", std::to_string(now.out.status())},
                     {"ms", milliseconds},
                     {"in", std::to_string(now.request.body.size())},
                     {"out", std::to_string(now.out.bytes())},
                     {"tenant", now.request.tenant},
                     {"end", end}});
}

}  // namespace server
