// SPDX-License-Identifier: Apache-2.0
#include "server/router.hpp"

#include <stdexcept>
#include <utility>

namespace server {

namespace {

bool fits(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return pattern == path;
  pattern.remove_suffix(1);
  return path.size() > pattern.size() && path.starts_with(pattern);
}

}  // namespace

void router::add(std::string method, std::string path, route_handler handler, access allowed) {
  for (auto const& known : routes_) {
    if (known.method == method && known.path == path) {
      throw std::logic_error{"the route " + method + " " + path + " was added twice"};
    }
  }
  routes_.push_back({std::move(method), std::move(path), std::move(handler), allowed});
}

router::match router::find(std::string_view method, std::string_view path) const {
  match result;
  auto const wanted = method == "HEAD" ? std::string_view{"GET"} : method;
  auto const exact = [&](route const& known) { return known.path == path; };
  bool is_exact = false;
  for (auto const& known : routes_) is_exact = is_exact || exact(known);
  for (auto const& known : routes_) {
    if (is_exact ? !exact(known) : !fits(known.path, path)) continue;
    if (known.method == wanted) result.found = &known;
    if (!result.allow.empty()) result.allow += ", ";
    result.allow += known.method == "GET" ? "GET, HEAD" : known.method;
  }
  if (!result.allow.empty()) result.allow += ", OPTIONS";
  return result;
}

}  // namespace server
