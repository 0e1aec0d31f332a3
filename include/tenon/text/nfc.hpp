// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tenon/text/unicode_classes.hpp"
#include "tenon/text/utf8.hpp"

namespace tenon {

/// Normalisation form C (Unicode Standard Annex 15), as the reference tokenizer's version of Unicode has it.
///
/// Only runs of code points that the frozen table knows to matter are ever shown to utf8proc, so that a newer
/// utf8proc changes nothing: code points that the reference does not know are left alone, as it does.
class nfc_normaliser {
 public:
  /// `text`, well-formed UTF-8, in form C: either `text` itself, if nothing changes, or a view of `storage`,
  /// whose old content is lost.
  std::string_view normalise(std::string_view text, std::string& storage) const {
    storage.clear();
    std::size_t copied = 0;  // everything before is in `storage`
    std::size_t previous = 0;
    bool after_base = false;  // a base stands at [previous, i)
    for (std::size_t i = 0; i < text.size();) {
      std::size_t const ascii_end = utf8::skip_ascii(text, i);
      if (ascii_end > i) {
        previous = ascii_end - 1;
        after_base = kind_at(text, previous).kind == normalisation_kind::base;
        i = ascii_end;
        if (i == text.size()) break;
      }
      kind_and_length const here = kind_at(text, i);
      if (here.kind < normalisation_kind::mark) {
        previous = i;
        after_base = here.kind == normalisation_kind::base;
        i += here.length;
        continue;
      }
      run const marks = run_at(text, i);
      if (marks.may_change) {
        std::size_t const begin = after_base ? previous : i;
        storage.append(text, copied, begin - copied);
        append_normalised(text.substr(begin, marks.end - begin), storage);
        copied = marks.end;
      }
      i = marks.end;
      after_base = false;
    }
    if (copied == 0) return text;
    storage.append(text, copied);
    return storage;
  }

 private:
  struct kind_and_length {
    normalisation_kind kind;
    std::size_t length;
  };
  struct run {
    std::size_t end;
    bool may_change;
  };

  kind_and_length kind_at(std::string_view text, std::size_t i) const noexcept {
    utf8::character const c = utf8::decode(text, i);
    return {classes_->normalisation(c.code_point), c.length};
  }

  /// The run of marks and code points to check that starts at `i`. One mark alone is in order.
  run run_at(std::string_view text, std::size_t i) const noexcept {
    std::size_t marks = 0;
    bool check = false;
    while (i < text.size()) {
      kind_and_length const here = kind_at(text, i);
      if (here.kind < normalisation_kind::mark) break;
      check = check || here.kind == normalisation_kind::check;
      ++marks;
      i += here.length;
    }
    return {i, check || marks > 1};
  }

  /// Decomposes, orders and composes. utf8proc orders in quadratic time, so that part is done here.
  static void append_normalised(std::string_view text, std::string& out) {
    std::vector<utf8proc_int32_t> points;
    points.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
      utf8::character const c = utf8::decode(text, i);
      utf8proc_int32_t parts[4];  // a canonical decomposition has at most four (annex 15, stability)
      utf8proc_ssize_t const count = utf8proc_decompose_char(
          static_cast<utf8proc_int32_t>(c.code_point), parts, 4,
          static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE), nullptr);
      points.insert(points.end(), parts, parts + count);
      i += c.length;
    }
    order_marks(points);
    utf8proc_ssize_t const composed =
        utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()),
                                 static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    for (utf8proc_ssize_t i = 0; i < composed; ++i) {
      utf8::append(out, static_cast<char32_t>(points[static_cast<std::size_t>(i)]));
    }
  }

  static void order_marks(std::vector<utf8proc_int32_t>& points) {
    auto const combining_class = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
    auto const starter = [&](utf8proc_int32_t c) { return combining_class(c) == 0; };
    for (auto begin = points.begin(); begin != points.end();) {
      begin = std::find_if_not(begin, points.end(), starter);
      auto const end = std::find_if(begin, points.end(), starter);
      std::stable_sort(begin, end, [&](auto a, auto b) { return combining_class(a) < combining_class(b); });
      begin = end;
    }
  }

  unicode_classes const* classes_ = &unicode_classes::table();
};

}  // namespace tenon
