// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "server/http_limits.hpp"
#include "server/refusal.hpp"

namespace server {

/// Looks at a chunked body before Beast's parser does, byte by byte: sizes of at most eight hexadecimal
/// digits, extensions within their limit, CRLF everywhere, no trailers, the whole within the body's limit.
/// (Beast 1.81 keeps an extension of any length in memory.)
class chunk_guard {
 public:
  explicit chunk_guard(http_limits const& limits) : limits_{&limits} {}

  /// How many of `bytes` belong to this body and are well formed; fewer than all once it is `done` or
  /// `refused`.
  std::size_t look(std::string_view bytes);

  bool done() const noexcept { return state_ == state::done; }
  std::optional<refusal> const& refused() const noexcept { return refused_; }

 private:
  enum class state { size, extension, size_end, data, data_return, data_end, last_return, last_end, done };

  void refuse(int status, std::string_view message, std::string_view code);
  void look_at(char byte);
  void look_at_size(char byte);
  void look_at_extension(char byte);
  void expect(char byte, char wanted, state next);

  http_limits const* limits_;
  std::optional<refusal> refused_;
  state state_ = state::size;
  std::size_t line_ = 0;    // bytes of the size line so far
  std::size_t digits_ = 0;  // of them, of the size
  std::uint64_t size_ = 0;  // of the chunk
  std::uint64_t left_ = 0;  // of its data
  std::uint64_t body_ = 0;  // of all chunks
};

}  // namespace server
