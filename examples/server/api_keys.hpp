// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace server {

/// Who may use the server. Only hashes of the keys are kept, and a key is compared with all of them in a
/// time that depends on neither.
class api_keys {
 public:
  /// One request's place among those of its key. Gives it back.
  class place {
   public:
    place() = default;
    explicit place(std::shared_ptr<std::atomic<std::int64_t>> open) : open_{std::move(open)} {}
    place(place&& other) noexcept : open_{std::move(other.open_)} {}
    place& operator=(place&& other) noexcept {
      std::swap(open_, other.open_);
      return *this;
    }
    ~place() {
      if (open_) open_->fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    std::shared_ptr<std::atomic<std::int64_t>> open_;
  };

  /// `most_open`: requests of one key at a time; 0: any number.
  explicit api_keys(std::int64_t most_open = 0) : most_open_{most_open} {}

  /// Empty keys are not keys. Equal ones count once.
  void add(std::string_view key);
  bool empty() const noexcept { return keys_.empty(); }

  /// Which key the value of an Authorization header carries: "Bearer <key>".
  std::optional<std::size_t> find(std::string_view authorization) const;

  /// Differs between keys and says nothing of them.
  std::string tenant(std::size_t key) const { return "key" + std::to_string(key + 1); }

  /// Nothing, when the key has all its places taken.
  std::optional<place> enter(std::size_t key) const;

 private:
  struct entry {
    std::array<std::uint8_t, 32> hash{};
    std::shared_ptr<std::atomic<std::int64_t>> open;
  };

  std::int64_t most_open_;
  std::vector<entry> keys_;
};

}  // namespace server
