// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "tenon/core/error.hpp"

namespace tenon_test {

/// The message of the tenon::error that `action` throws; empty if it throws none.
template <class Action> std::string error_text(Action&& action) {
  try {
    action();
  } catch (tenon::error const& failure) {
    return failure.what();
  }
  return {};
}

/// Checks that `action` throws an error whose message holds `part`.
template <class Action> void check_error(Action&& action, std::string_view part) {
  auto const text = error_text(action);
  BOOST_TEST_INFO("expected: " << part);
  BOOST_TEST_INFO("found:    " << text);
  BOOST_TEST((text.find(part) != std::string::npos && !text.empty()));
}

}  // namespace tenon_test
