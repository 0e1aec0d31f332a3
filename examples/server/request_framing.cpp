// SPDX-License-Identifier: Apache-2.0
#include "server/request_framing.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <optional>

namespace server {

namespace {

using boost::beast::iequals;
using fault = std::optional<refusal>;

refusal bad(std::string_view message, std::string_view code = "invalid_framing") {
  return {.status = 400, .message = message, .code = code};
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  });
}

std::string_view trim(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Cuts the part before `mark` off `rest`; all of it, if there is no mark.
std::string_view cut(std::string_view& rest, std::string_view mark) {
  auto const at = rest.find(mark);
  auto const part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + mark.size());
  return part;
}

fault read_version(std::string_view version, request_framing& framing) {
  bool const formed = version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
                      version[5] >= '0' && version[5] <= '9' && version[7] >= '0' && version[7] <= '9';
  if (!formed) return bad("the request line does not end with an HTTP version");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return refusal{505, "expected HTTP/1.1 or HTTP/1.0", "unsupported_version"};
  }
  framing.http_1_0 = version == "HTTP/1.0";
  return {};
}

fault read_target(std::string_view target, request_framing& framing) {
  if (target == "*" && framing.method == "OPTIONS") {
    framing.path = target;
    return {};
  }
  constexpr std::string_view scheme = "http://";  // RFC 9112 3.2.2: a server must take the absolute form
  if (target.size() > scheme.size() && iequals(target.substr(0, scheme.size()), scheme)) {
    target.remove_prefix(scheme.size());
    auto const path = target.find_first_of("/?");
    if (path == 0) return bad("the request's target has no host", "invalid_target");
    target = path == std::string_view::npos ? "/" : target.substr(path);
    if (target.starts_with("?")) return bad("the request's target has no path", "invalid_target");
  }
  if (!target.starts_with("/")) return bad("the request's target is not a path", "invalid_target");
  if (target.find('#') != std::string_view::npos) {
    return bad("the request's target has a fragment", "invalid_target");
  }
  framing.path = cut(target, "?");
  framing.query = target;
  return {};
}

constexpr std::size_t longest_method = 16;

fault read_request_line(std::string_view line, request_framing& framing) {
  if (std::ranges::count(line, ' ') != 2) return bad("the request line does not have three parts");
  framing.method = cut(line, " ");
  auto const target = cut(line, " ");
  if (!is_token(framing.method)) return bad("the method is not a token");
  if (auto wrong = read_version(line, framing)) return wrong;
  constexpr std::array<std::string_view, 8> known{"GET",    "HEAD",  "POST",    "PUT",
                                                  "DELETE", "PATCH", "OPTIONS", "TRACE"};
  if (framing.method.size() > longest_method || std::ranges::count(known, framing.method) == 0) {
    return refusal{501, "the method is not implemented", "unknown_method"};
  }
  return read_target(target, framing);
}

/// What the headers say about framing, counted before it is judged.
struct framing_headers {
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  int expectations = 0;
  std::string_view host, length, coding, expectation;
};

fault read_header(std::string_view line, framing_headers& seen) {
  auto const colon = line.find(':');
  if (colon == std::string_view::npos) return bad("a header without a colon", "invalid_header");
  auto const name = line.substr(0, colon);
  if (!is_token(name)) return bad("a header's name is not a token", "invalid_header");
  auto const value = trim(line.substr(colon + 1));
  auto const note = [&](std::string_view wanted, int& count, std::string_view& place) {
    if (!iequals(name, wanted)) return;
    ++count;
    place = value;
  };
  note("Host", seen.hosts, seen.host);
  note("Content-Length", seen.lengths, seen.length);
  note("Transfer-Encoding", seen.codings, seen.coding);
  note("Expect", seen.expectations, seen.expectation);
  return {};
}

bool is_host(std::string_view value) {
  return std::ranges::all_of(value, [](char c) {
    return is_alphanumeric(c) || std::string_view{"-._~%!$&'()*+;=:[]"}.find(c) != std::string_view::npos;
  });
}

fault judge_length(std::string_view value, http_limits const& limits, request_framing& framing) {
  bool const digits =
      !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return bad("Content-Length is not a number");
  for (char const digit : value) {
    framing.content_length = framing.content_length * 10 + static_cast<std::uint64_t>(digit - '0');
    if (framing.content_length > limits.body_bytes) {
      return refusal{413, "the body is too large", "body_too_large"};
    }
  }
  return {};
}

fault judge_framing(framing_headers const& seen, http_limits const& limits, request_framing& framing) {
  if (seen.hosts > 1) return bad("more than one Host");
  if (seen.hosts == 0 && !framing.http_1_0) return bad("no Host");
  if (!is_host(seen.host)) return bad("Host is not a host", "invalid_header");
  if (seen.codings > 0 && seen.lengths > 0) return bad("Transfer-Encoding together with Content-Length");
  if (seen.codings > 0 && framing.http_1_0) return bad("Transfer-Encoding in HTTP/1.0");
  if (seen.lengths > 1) return bad("more than one Content-Length");
  if (seen.codings > 1 || (seen.codings == 1 && !iequals(seen.coding, "chunked"))) {
    return refusal{501, "expected no Transfer-Encoding but chunked", "unsupported_transfer_encoding"};
  }
  framing.chunked = seen.codings == 1;
  if (seen.lengths == 1) {
    if (auto wrong = judge_length(seen.length, limits, framing)) return wrong;
  }
  if (seen.expectations > 0 && !framing.http_1_0) {  // RFC 9110 10.1.1: ignored in HTTP/1.0
    if (seen.expectations > 1 || !iequals(seen.expectation, "100-continue")) {
      return refusal{417, "expected no Expect but 100-continue", "unsupported_expectation"};
    }
    framing.expects_continue = framing.has_body();
  }
  return {};
}

}  // namespace

std::variant<request_framing, refusal> read_framing(std::string_view head, http_limits const& limits) {
  request_framing framing;
  framing_headers seen;
  if (auto wrong = read_request_line(cut(head, "\r\n"), framing)) return *wrong;
  while (!head.starts_with("\r\n") && !head.empty()) {
    if (auto wrong = read_header(cut(head, "\r\n"), seen)) return *wrong;
  }
  if (auto wrong = judge_framing(seen, limits, framing)) return *wrong;
  return framing;
}

std::string_view find_header(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    auto line = cut(head, "\r\n");
    if (iequals(cut(line, ":"), name)) return trim(line);
  }
  return {};
}

}  // namespace server
