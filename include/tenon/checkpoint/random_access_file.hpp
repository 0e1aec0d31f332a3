// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "tenon/core/error.hpp"

namespace tenon {

/// A regular file open for reading at any offset, from several threads at once. Owns the descriptor.
///
/// Reads with pread and never maps: a file that shrinks after opening is a load_error, not a SIGBUS.
class random_access_file {
 public:
  explicit random_access_file(std::filesystem::path const& path) : path_{path.string()} {
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0)
      throw load_error{path_, "cannot be opened: " + std::generic_category().message(errno)};
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      throw load_error{path_, "expected a regular file, found something else"};
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }

  random_access_file(random_access_file&& other) noexcept
      : path_{std::move(other.path_)},
        descriptor_{std::exchange(other.descriptor_, -1)},
        size_{other.size_} {}
  random_access_file& operator=(random_access_file&&) = delete;
  ~random_access_file() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  std::string const& path() const noexcept { return path_; }

  /// Bytes when it was opened.
  std::uint64_t size() const noexcept { return size_; }

  /// Fills `to` from `offset` on. Throws load_error if the file ends earlier.
  void read(std::uint64_t offset, std::span<std::byte> to) const {
    while (!to.empty()) {
      std::size_t const wanted = std::min<std::size_t>(to.size(), std::size_t{1} << 30);  // one call's limit
      ssize_t const got = ::pread(descriptor_, to.data(), wanted, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw load_error{path_, "cannot be read: " + std::generic_category().message(errno)};
      if (got == 0) {
        throw load_error{path_, "expected " + std::to_string(to.size()) + " bytes at offset " +
                                    std::to_string(offset) + ", found the end of the file"};
      }
      to = to.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
  }

 private:
  std::string path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// Whether there is something at `path` that may be opened; false, too, for a path that no file can have.
inline bool file_exists(std::filesystem::path const& path) noexcept {
  std::error_code unreachable;
  return std::filesystem::exists(path, unreachable);
}

/// The whole of a small text file. Throws load_error if it is missing or larger than `most` bytes.
inline std::string read_text_file(std::filesystem::path const& path, std::uint64_t most) {
  random_access_file const file{path};
  if (file.size() > most) {
    throw load_error{file.path(), "expected at most " + std::to_string(most) + " bytes, found " +
                                      std::to_string(file.size())};
  }
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(0, std::as_writable_bytes(std::span{text}));
  return text;
}

}  // namespace tenon
