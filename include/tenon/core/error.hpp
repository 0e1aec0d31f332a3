// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tenon {

/// Everything that tenon throws on purpose.
struct error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A model file that cannot be used. `where()` names the file; the message says what was expected and what
/// was found.
class load_error : public error {
 public:
  load_error(std::string where, std::string_view message)
      : error{where + ": " + std::string{message}}, where_{std::move(where)} {}

  std::string const& where() const noexcept { return where_; }

 private:
  std::string where_;
};

/// A request that cannot be served as asked. `parameter()` names the field; nothing of the request was taken.
class request_error : public error {
 public:
  /// code: a stable machine-readable word, such as "context_length_exceeded" or "invalid_value".
  request_error(std::string parameter, std::string code, std::string const& message)
      : error{message}, parameter_{std::move(parameter)}, code_{std::move(code)} {}

  std::string const& parameter() const noexcept { return parameter_; }
  std::string const& code() const noexcept { return code_; }

 private:
  std::string parameter_;
  std::string code_;
};

/// Options that do not fit together or do not fit the machine: memory, rows, context.
struct options_error : error {
  using error::error;
};

/// A device that failed, is missing or is not what the program was compiled for. After one thrown on the step
/// path nothing on that device can be relied on: end the program.
struct device_error : error {
  using error::error;
};

}  // namespace tenon
