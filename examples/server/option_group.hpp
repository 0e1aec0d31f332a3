// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace server {

/// A part of the help page. The values that it is given are the defaults, and are set when the options are
/// read; one out of its range throws std::invalid_argument, which names the option.
class option_group {
 public:
  explicit option_group(std::string const& title) : all_{title, 100, 60} {}

  template <class T> void text(std::string const& name, T& value, char const* help) {
    add(name,
        value.empty() ? boost::program_options::value(&value)
                      : boost::program_options::value(&value)->default_value(value),
        help);
  }

  void list(std::string const& name, std::vector<std::string>& values, char const* help) {
    add(name, boost::program_options::value(&values)->composing(), help);
  }

  void flag(std::string const& name, bool& value, char const* help) {
    add(name, boost::program_options::bool_switch(&value), help);
  }

  /// A whole number of `unit`s.
  template <class T>
  void count(std::string const& name, T& value, std::int64_t least, char const* help, std::int64_t unit = 1) {
    auto const most = static_cast<double>(std::numeric_limits<T>::max()) / static_cast<double>(unit);
    auto const take = [name, &value, least, most, unit](std::int64_t given) {
      check(name, static_cast<double>(given), static_cast<double>(least), most);
      value = static_cast<T>(given * unit);
    };
    add(name,
        boost::program_options::value<std::int64_t>()
            ->default_value(static_cast<std::int64_t>(value) / unit)
            ->notifier(take),
        help);
  }

  /// A whole number from `least` to `most`.
  void range(std::string const& name, std::int64_t& value, std::int64_t least, std::int64_t most,
             char const* help) {
    auto const take = [name, &value, least, most](std::int64_t given) {
      check(name, static_cast<double>(given), static_cast<double>(least), static_cast<double>(most));
      value = given;
    };
    add(name, boost::program_options::value<std::int64_t>()->default_value(value)->notifier(take), help);
  }

  void seconds(std::string const& name, std::chrono::milliseconds& value, char const* help) {
    auto const take = [name, &value](double given) {
      check(name, given, 0.001, 1e6);
      value = std::chrono::milliseconds{std::llround(given * 1000)};
    };
    add(name,
        boost::program_options::value<double>()
            ->default_value(static_cast<double>(value.count()) / 1000)
            ->notifier(take),
        help);
  }

  void fraction(std::string const& name, double& value, char const* help) {
    auto const take = [name, &value](double given) {
      check(name, given, 0, 1);
      value = given;
    };
    add(name, boost::program_options::value<double>()->default_value(value)->notifier(take), help);
  }

  template <class T>
  void number(std::string const& name, std::optional<T>& value, double least, double most, char const* help) {
    auto const take = [name, &value, least, most](T given) {
      check(name, static_cast<double>(given), least, most);
      value = given;
    };
    add(name, boost::program_options::value<T>()->notifier(take), help);
  }

  boost::program_options::options_description const& page() const noexcept { return all_; }

 private:
  static void check(std::string const& name, double given, double least, double most) {
    if (given >= least && given <= most) return;
    throw std::invalid_argument{"--" + name + ": expected a number from " + short_text(least) + " to " +
                                short_text(most)};
  }

  static std::string short_text(double value) {
    auto const whole = std::llround(value);
    auto const is_whole = std::abs(value) < 1e15 && static_cast<double>(whole) == value;
    return is_whole ? std::to_string(whole) : std::to_string(value);
  }

  void add(std::string const& name, boost::program_options::value_semantic* value, char const* help) {
    all_.add_options()(name.c_str(), value, help);
  }

  boost::program_options::options_description all_;
};

}  // namespace server
