// SPDX-License-Identifier: Apache-2.0
#include "server/api_keys.hpp"

#include <boost/beast/core/string.hpp>

#include "server/sha256.hpp"

namespace server {

namespace {

bool equal(std::array<std::uint8_t, 32> const& left, std::array<std::uint8_t, 32> const& right) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i) difference |= static_cast<unsigned>(left[i] ^ right[i]);
  return difference == 0;
}

std::string_view without_spaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

/// The key in an Authorization header, or nothing.
std::optional<std::string_view> key_of(std::string_view authorization) {
  auto const space = authorization.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  if (!boost::beast::iequals(authorization.substr(0, space), "Bearer")) return std::nullopt;
  return without_spaces(authorization.substr(space));
}

}  // namespace

void api_keys::add(std::string_view key) {
  if (key.empty() || find("Bearer " + std::string{key})) return;
  keys_.push_back({sha256(key), std::make_shared<std::atomic<std::int64_t>>(0)});
}

std::optional<std::size_t> api_keys::find(std::string_view authorization) const {
  auto const key = key_of(authorization);
  auto const hash = sha256(key.value_or(""));
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (equal(keys_[i].hash, hash)) found = i;
  }
  return key ? found : std::nullopt;
}

std::optional<api_keys::place> api_keys::enter(std::size_t key) const {
  auto const& open = keys_[key].open;
  place taken{open};
  if (open->fetch_add(1, std::memory_order_relaxed) >= most_open_ && most_open_ > 0) return std::nullopt;
  return taken;
}

}  // namespace server
