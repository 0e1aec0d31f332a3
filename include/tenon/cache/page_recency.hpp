// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tenon/core/ids.hpp"

namespace tenon {

/// Pages in the order in which they were last put down: a list through two arrays, every operation O(1),
/// nothing allocated after construction. A page is in it at most once.
class page_recency {
 public:
  explicit page_recency(std::int32_t pages)
      : before_(static_cast<std::size_t>(pages) + 1, absent), after_(before_), end_{pages} {
    at(before_, end_) = at(after_, end_) = end_;
  }

  std::int32_t size() const noexcept { return size_; }
  bool contains(page_id page) const noexcept { return at(after_, page) != absent; }

  /// The page that was put down longest ago. Needs size() > 0.
  page_id oldest() const noexcept { return at(after_, end_); }

  /// Needs a page that is not in the list.
  void put_newest(page_id page) noexcept {
    page_id const last = at(before_, end_);
    at(before_, page) = last;
    at(after_, page) = end_;
    at(after_, last) = page;
    at(before_, end_) = page;
    ++size_;
  }

  /// Needs a page that is in the list.
  void remove(page_id page) noexcept {
    at(after_, at(before_, page)) = at(after_, page);
    at(before_, at(after_, page)) = at(before_, page);
    at(after_, page) = at(before_, page) = absent;
    --size_;
  }

 private:
  static constexpr page_id absent = -1;

  static page_id& at(std::vector<page_id>& links, page_id page) noexcept {
    return links[static_cast<std::size_t>(page)];
  }
  static page_id at(std::vector<page_id> const& links, page_id page) noexcept {
    return links[static_cast<std::size_t>(page)];
  }

  std::vector<page_id> before_;  // [pages + 1], towards older; the last entry is the list's own end
  std::vector<page_id> after_;   // [pages + 1], towards newer
  page_id end_;
  std::int32_t size_ = 0;
};

}  // namespace tenon
