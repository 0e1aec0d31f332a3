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

/// RFC 4648, section 4. Nothing for what is not base64.
std::optional<std::string> decode_base64(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (char const c : text) {
    auto const value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

std::string_view without_spaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

/// The key in an Authorization header, or nothing.
std::optional<std::string> key_of(std::string_view authorization) {
  auto const space = authorization.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  auto const scheme = authorization.substr(0, space);
  auto const rest = without_spaces(authorization.substr(space));
  if (boost::beast::iequals(scheme, "Bearer")) return std::string{rest};
  if (!boost::beast::iequals(scheme, "Basic")) return std::nullopt;
  auto const pair = decode_base64(rest);
  if (!pair || pair->find(':') == std::string::npos) return std::nullopt;
  return pair->substr(pair->find(':') + 1);
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
