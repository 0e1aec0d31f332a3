// SPDX-License-Identifier: Apache-2.0
#include "server/response_head.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/status.hpp>
#include <ctime>
#include <string_view>

namespace server {

namespace {

void add(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  for (char const c : value) {
    auto const byte = static_cast<unsigned char>(c);
    head += byte < 0x20 || byte >= 0x7f ? '?' : c;
  }
  head += "\r\n";
}

/// RFC 9110 5.6.7.
std::string http_date() {
  auto const now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

bool has(http_response const& response, std::string_view name) {
  return std::ranges::any_of(response.headers,
                             [&](header const& given) { return boost::beast::iequals(given.name, name); });
}

/// RFC 9110 8.6: none of these has a body, so none has a length.
bool is_bodiless(int status) {
  return status / 100 == 1 || status == 204 || status == 304;
}

void add_connection(std::string& head, reply_style const& style) {
  if (!style.keep_alive) {
    add(head, "Connection", "close");
  } else if (style.http_1_0) {
    add(head, "Connection", "keep-alive");
  }
}

void add_cross_origin(std::string& head, reply_style const& style) {
  if (style.origin.empty()) return;
  add(head, "Access-Control-Allow-Origin", style.origin);
  add(head, "Access-Control-Expose-Headers", "x-request-id, x-tenon-ignored, Retry-After");
  if (style.origin != "*") add(head, "Vary", "Origin");
}

}  // namespace

std::string response_head(http_response const& response, reply_style const& style,
                          std::optional<std::uint64_t> length) {
  auto const reason =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " + std::string{reason} + "\r\n";
  head.reserve(512);
  add(head, "Date", http_date());
  if (!response.content_type.empty() && !is_bodiless(response.status)) {
    add(head, "Content-Type", response.content_type);
  }
  if (!is_bodiless(response.status)) {
    if (length) add(head, "Content-Length", std::to_string(*length));
    if (!length && !style.http_1_0) add(head, "Transfer-Encoding", "chunked");
  }
  if (!has(response, "Cache-Control")) add(head, "Cache-Control", "no-store");
  if ((response.status == 429 || response.status == 503) && !has(response, "Retry-After")) {
    add(head, "Retry-After", "1");
  }
  for (auto const& given : response.headers) add(head, given.name, given.value);
  if (!style.request_id.empty()) add(head, "x-request-id", style.request_id);
  add_cross_origin(head, style);
  add_connection(head, style);
  head += "\r\n";
  return head;
}

}  // namespace server
