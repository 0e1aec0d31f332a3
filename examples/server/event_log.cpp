// SPDX-License-Identifier: Apache-2.0
#include "server/event_log.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>

namespace server {

namespace {

constexpr std::size_t most_lines = 8192;
constexpr auto gather_time = std::chrono::milliseconds{5};  // a wake for each line costs more than the line
constexpr auto flush_time = std::chrono::milliseconds{500};

std::string timestamp() {
  auto const now = std::chrono::system_clock::now();
  auto const seconds = std::chrono::system_clock::to_time_t(now);
  auto const since = now.time_since_epoch();
  auto const milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[48];
  auto const length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(milliseconds));
  return text;
}

std::string_view name_of(severity level) {
  switch (level) {
    case severity::debug:
      return "debug";
    case severity::info:
      return "info";
    case severity::warning:
      return "warning";
    case severity::error:
      break;
  }
  return "error";
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view{"-._~/:+*@%,"}.find(c) != std::string_view::npos;
}

void append_value(std::string& line, std::string_view value) {
  if (!value.empty() && std::ranges::all_of(value, is_plain)) {
    line += value;
    return;
  }
  line += '"';
  for (char const c : value) {
    auto const byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (byte >= 0x20 && byte < 0x7f) {
      line += c;
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(byte));
      line += escaped;
    }
  }
  line += '"';
}

void write_all(int file_descriptor, std::string_view text) {
  while (!text.empty()) {
    auto const written = ::write(file_descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody reads the log: nothing can be said about it
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

event_log::event_log(int file_descriptor, severity least)
    : file_descriptor_{file_descriptor}, least_{least}, thread_{[this] { run(); }} {}

event_log::~event_log() {
  {
    std::scoped_lock lock{mutex_};
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void event_log::write(severity level, std::string_view event, std::initializer_list<log_field> fields) {
  if (level < least_) return;
  auto line = timestamp();
  line += ' ';
  line += name_of(level);
  line += ' ';
  line += event;
  for (auto const& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  line += '\n';
  bool first = false;
  {
    std::scoped_lock lock{mutex_};
    if (lines_.size() >= most_lines) {
      ++dropped_;
      return;
    }
    first = lines_.empty();
    lines_.push_back(std::move(line));
  }
  if (first) wake_.notify_one();
}

void event_log::flush() {
  std::unique_lock lock{mutex_};
  hurry_ = true;
  wake_.notify_one();
  out_.wait_for(lock, flush_time, [this] { return lines_.empty() && !writing_; });
  hurry_ = false;
}

void event_log::run() {
  std::vector<std::string> taken;
  for (bool ending = false; !ending;) {
    std::uint64_t dropped = 0;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return ending_ || !lines_.empty(); });
      ending = ending_;
      taken.swap(lines_);
      writing_ = true;
      dropped = std::exchange(dropped_, 0);
    }
    std::string text;
    for (auto const& line : taken) text += line;
    if (dropped > 0) text += timestamp() + " warning log_dropped lines=" + std::to_string(dropped) + "\n";
    write_all(file_descriptor_, text);
    taken.clear();
    std::unique_lock lock{mutex_};
    writing_ = false;
    if (lines_.empty()) out_.notify_all();
    wake_.wait_for(lock, gather_time, [this] { return ending_ || hurry_; });
  }
}

}  // namespace server
