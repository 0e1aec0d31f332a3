// SPDX-License-Identifier: Apache-2.0
#include "server/limit_options.hpp"

#include "tenon/engine/check_request.hpp"
#include "tenon/sampling/check_parameters.hpp"
#include "tenon/text/stop_matcher.hpp"

namespace server {

namespace {

constexpr std::int64_t kib = 1 << 10, mib = 1 << 20;
constexpr std::int64_t most_stops = tenon::stop_matcher::max_stops;
constexpr std::int64_t most_bias = tenon::max_logit_bias_entries;

}  // namespace

option_group limit_options(settings& chosen) {
  auto& limits = chosen.limits;
  auto& queue = chosen.queue;
  auto& bodies = chosen.bodies;
  option_group group{"Limits"};
  group.count("max-requests", queue.max_requests, 1, "running and waiting, else 503");
  group.count("max-queued-tokens", queue.max_tokens, 1, "of their prompts and answers together, else 503");
  group.count("max-connections", limits.connections, 1, "else 503");
  group.count("max-body-kib", limits.body_bytes, 1, "of one request, else 413", kib);
  group.count("max-bodies-mib", limits.buffered_bytes, 1, "of all requests together, else 503", mib);
  group.count("max-header-kib", limits.header_bytes, 1, "of one request, else 431", kib);
  group.count("max-headers", limits.header_count, 1, "of one request, else 431");
  group.seconds("header-seconds", limits.header_time, "for a request's headers, else 408");
  group.count("min-bytes-per-second", limits.body_rate, 1, "of a body, else 408");
  group.seconds("body-grace-seconds", limits.body_grace, "before that counts");
  group.seconds("idle-seconds", limits.idle_time, "between requests of a connection");
  group.count("requests-per-connection", limits.requests_per_connection, 1, "then it closes");
  group.count("send-buffer-kib", limits.send_buffer_bytes, 1, "of the kernel, a connection", kib);
  group.count("out-buffer-kib", limits.out_buffer_bytes, 1, "of a stream that is read slowly", kib);
  group.seconds("stall-seconds", limits.stall_time, "that a reader may stall until its request is aborted");
  group.seconds("ping-seconds", limits.ping_time, "without an event until a stream gets a comment");
  group.seconds("linger-seconds", limits.linger_time, "for a client to read its last answer");
  group.range("max-n", bodies.n, 1, tenon::max_choices, "answers to one prompt, else 400");
  group.count("max-prompts", bodies.prompts, 1, "in one request's array, else 400");
  group.range("max-logprobs", bodies.logprobs, 0, tenon::max_logprobs, "of one token, else 400");
  group.range("max-stops", bodies.stops, 0, most_stops, "strings that end an answer, else 400");
  group.range("max-logit-bias", bodies.logit_bias, 0, most_bias, "entries, else 400");
  return group;
}

}  // namespace server
