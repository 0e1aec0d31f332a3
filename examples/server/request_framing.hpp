// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "server/http_limits.hpp"
#include "server/refusal.hpp"

namespace server {

/// How a request is delimited and where it goes: all that decides where the next one begins.
struct request_framing {
  std::string method{};
  std::string path{};   ///< begins with '/', or is "*"
  std::string query{};  ///< behind the question mark
  bool http_1_0 = false;
  bool chunked = false;
  std::uint64_t content_length = 0;
  bool expects_continue = false;

  bool has_body() const noexcept { return chunked || content_length > 0; }
};

/// Reads a complete head that head_scanner has let pass, more strictly than Beast's parser, which then only
/// sees what this function has accepted. Beast 1.81 takes several heads that a proxy in front may read
/// differently, which lets one client's bytes become another's request; tests/server/beast_behaviour.cpp
/// records them. RFC 9112, sections 2 to 7; every doubt is a 400.
std::variant<request_framing, refusal> read_framing(std::string_view head, http_limits const& limits);

/// The value of the first header of that name, of a head that may have been refused; empty if there is none.
std::string_view find_header(std::string_view head, std::string_view name);

}  // namespace server
