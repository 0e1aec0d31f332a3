// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "server/http_limits.hpp"
#include "server/refusal.hpp"

namespace server {

/// Finds the end of a request's head while its bytes come in, and refuses at the first byte that no well
/// formed head has: a bare CR or LF, a control character, a folded header, a size or count over its limit.
/// Every byte is looked at once.
class head_scanner {
 public:
  explicit head_scanner(http_limits const& limits) : limits_{&limits} {}

  /// `bytes` is all that came since the end of the request before; it only grows from call to call. True
  /// once the head is complete.
  bool look(std::string_view bytes);

  std::optional<refusal> const& refused() const noexcept { return refused_; }
  /// Bytes before the head: an empty line, which RFC 9112 2.2 asks servers to skip.
  std::size_t begin() const noexcept { return begin_; }
  /// The position behind the empty line that ends the head.
  std::size_t end() const noexcept { return position_; }
  /// Whether a request has begun.
  bool begun() const noexcept { return position_ > begin_; }

 private:
  bool refuse(int status, std::string_view message, std::string_view code);
  bool look_at(char byte);
  bool end_line();
  bool check_sizes();

  http_limits const* limits_;
  std::optional<refusal> refused_;
  std::size_t begin_ = 0;
  std::size_t position_ = 0;
  std::size_t line_begin_ = 0;
  std::size_t lines_ = 0;
  bool after_return_ = false;  // the last byte was a CR
};

}  // namespace server
