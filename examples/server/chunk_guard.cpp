// SPDX-License-Identifier: Apache-2.0
#include "server/chunk_guard.hpp"

#include <algorithm>

namespace server {

namespace {

int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void chunk_guard::refuse(int status, std::string_view message, std::string_view code) {
  refused_ = refusal{.status = status, .message = message, .code = code};
}

std::size_t chunk_guard::look(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size() && !done() && !refused_) {
    if (state_ == state::data) {
      auto const step = std::min<std::uint64_t>(left_, bytes.size() - at);
      left_ -= step;
      at += static_cast<std::size_t>(step);
      if (left_ == 0) state_ = state::data_return;
      continue;
    }
    look_at(bytes[at]);
    if (!refused_) ++at;
  }
  return at;
}

void chunk_guard::look_at(char byte) {
  switch (state_) {
    case state::size:
      return look_at_size(byte);
    case state::extension:
      return look_at_extension(byte);
    case state::size_end:
      expect(byte, '\n', size_ == 0 ? state::last_return : state::data);
      line_ = digits_ = 0;
      left_ = size_;
      return;
    case state::data_return:
      return expect(byte, '\r', state::data_end);
    case state::data_end:
      size_ = 0;
      return expect(byte, '\n', state::size);
    case state::last_return:
      if (byte != '\r') return refuse(400, "trailers are not accepted", "unsupported_trailer");
      state_ = state::last_end;
      return;
    case state::last_end:
      return expect(byte, '\n', state::done);
    case state::data:
    case state::done:
      return;
  }
}

void chunk_guard::look_at_size(char byte) {
  ++line_;
  if (int const digit = hexadecimal(byte); digit >= 0) {
    size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
    if (++digits_ > 8) refuse(400, "a chunk's size has too many digits", "invalid_framing");
    return;
  }
  if (digits_ == 0) return refuse(400, "a chunk without a size", "invalid_framing");
  body_ += size_;
  if (body_ > limits_->body_bytes) return refuse(413, "the body is too large", "body_too_large");
  if (byte == ';') {
    state_ = state::extension;
  } else {
    expect(byte, '\r', state::size_end);
  }
}

void chunk_guard::look_at_extension(char byte) {
  if (++line_ > limits_->chunk_line_bytes) {
    return refuse(400, "a chunk's extensions are too long", "invalid_framing");
  }
  if (byte == '\r') {
    state_ = state::size_end;
  } else if (auto const value = static_cast<unsigned char>(byte);
             (value < 0x20 && byte != '\t') || value >= 0x7f) {
    refuse(400, "a control character in a chunk's extension", "invalid_character");
  }
}

void chunk_guard::expect(char byte, char wanted, state next) {
  if (byte != wanted) return refuse(400, "a chunk does not end where its size says", "invalid_framing");
  state_ = next;
}

}  // namespace server
