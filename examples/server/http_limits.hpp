// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace server {

/// What one client may cost. Every wait for a client ends at one of these, and every buffer has one of these
/// as its size.
struct http_limits {
  std::chrono::milliseconds header_time{10'000};  ///< from a request's first byte to its last header; 408
  std::size_t request_line_bytes = 8 << 10;       ///< 414
  std::size_t header_bytes = 16 << 10;            ///< with the request line; 431
  std::size_t header_count = 64;                  ///< 431
  std::uint64_t body_bytes = 8 << 20;             ///< 413
  std::uint64_t body_rate = 4 << 10;  ///< bytes a second that a client must read or send, on average; 408
  std::chrono::milliseconds body_grace{5'000};   ///< before the rate counts
  std::size_t chunk_line_bytes = 256;            ///< a chunk's size with its extensions; 400
  std::chrono::milliseconds idle_time{75'000};   ///< between requests of a connection
  std::int64_t requests_per_connection = 1'000;  ///< then the connection closes
  std::int64_t connections = 4'096;              ///< more are answered with 503
  std::int64_t buffered_bytes = 512 << 20;       ///< of all bodies together; more are answered with 503
  int send_buffer_bytes = 64 << 10;              ///< SO_SNDBUF: the kernel's own would hide a slow reader
  std::size_t out_buffer_bytes = 256 << 10;      ///< of an event stream, above the kernel's
  std::chrono::milliseconds stall_time{30'000};  ///< without progress of the reader; the request is aborted
  std::chrono::milliseconds ping_time{15'000};   ///< without an event, until a comment is sent in its place
  std::chrono::milliseconds linger_time{2'000};  ///< for a client to read its answer before the socket closes
};

}  // namespace server
