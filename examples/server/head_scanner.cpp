// SPDX-License-Identifier: Apache-2.0
#include "server/head_scanner.hpp"

namespace server {

bool head_scanner::refuse(int status, std::string_view message, std::string_view code) {
  refused_ = refusal{.status = status, .message = message, .code = code};
  return false;
}

bool head_scanner::look(std::string_view bytes) {
  while (!refused_ && position_ < bytes.size()) {
    if (look_at(bytes[position_])) return true;
  }
  return false;
}

/// True at the end of the head.
bool head_scanner::look_at(char byte) {
  auto const value = static_cast<unsigned char>(byte);
  bool const first_of_line = position_ == line_begin_;
  ++position_;
  if (after_return_) {
    if (byte != '\n') return refuse(400, "a carriage return without a line feed", "invalid_framing");
    after_return_ = false;
    return end_line();
  }
  if (byte == '\r') {
    after_return_ = true;
    return false;
  }
  if (byte == '\n') return refuse(400, "a line feed without a carriage return", "invalid_framing");
  bool const in_request_line = lines_ == 0;
  if ((value < 0x20 && (byte != '\t' || in_request_line)) || value == 0x7f) {
    return refuse(400, "a control character in the head of the request", "invalid_character");
  }
  if (in_request_line && value >= 0x80) {
    return refuse(400, "a character outside ASCII in the request line", "invalid_character");
  }
  if (first_of_line && (byte == ' ' || byte == '\t')) {
    return refuse(400, "a line of the head begins with white space", "invalid_framing");
  }
  return check_sizes();
}

bool head_scanner::end_line() {
  bool const empty = position_ - line_begin_ == 2;
  line_begin_ = position_;
  if (empty && lines_ > 0) return true;
  if (empty) {
    if (begin_ > 0) return refuse(400, "empty lines before a request", "invalid_framing");
    begin_ = position_;
    return false;
  }
  ++lines_;
  return false;
}

/// Called for every byte that is no line end, so a line is refused while it grows.
bool head_scanner::check_sizes() {
  if (lines_ == 0 && position_ - begin_ > limits_->request_line_bytes) {
    return refuse(414, "the request line is too long", "uri_too_long");
  }
  if (position_ - begin_ > limits_->header_bytes) {
    return refuse(431, "the headers are too large", "headers_too_large");
  }
  // The request line is a line, too.
  if (lines_ > limits_->header_count) return refuse(431, "too many headers", "too_many_headers");
  return false;
}

}  // namespace server
