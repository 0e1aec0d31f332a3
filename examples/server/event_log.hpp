// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace server {

enum class severity { debug, info, warning, error };

/// One `key=value` of a log line. Values with anything but letters, digits and plain signs are quoted, and
/// control characters escaped, so that nobody can write a line of their own into the log.
struct log_field {
  std::string_view key;
  std::string value;
};

/// Writes one line an event to a file descriptor, from a thread of its own: nobody waits for a slow disk or
/// a full pipe. Lines beyond the buffer are dropped and counted.
///
///   2026-11-22T05:34:18.123Z info request id=8f… method=POST path=/v1/models status=200
class event_log {
 public:
  explicit event_log(int file_descriptor, severity least = severity::info);
  event_log(event_log const&) = delete;
  event_log& operator=(event_log const&) = delete;
  ~event_log();  ///< writes what there is

  /// Waits until what was written before is out, but not for ever.
  void flush();

  void write(severity level, std::string_view event, std::initializer_list<log_field> fields = {});

 private:
  void run();

  int file_descriptor_;
  severity least_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable out_;
  std::vector<std::string> lines_;
  std::uint64_t dropped_ = 0;
  bool ending_ = false;
  bool hurry_ = false;
  bool writing_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace server
