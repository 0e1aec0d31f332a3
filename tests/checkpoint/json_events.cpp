// SPDX-License-Identifier: Apache-2.0
#include "tenon/checkpoint/json_events.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace {

/// Writes down what it is told; refuses the text "stop".
class recorder final : public tenon::detail::json_events {
 public:
  std::string seen{};

  bool on_object_begin(error_code&) override { return note("{"); }
  bool on_object_end(std::size_t count, error_code&) override { return note("}" + std::to_string(count)); }
  bool on_array_begin(error_code&) override { return note("["); }
  bool on_array_end(std::size_t count, error_code&) override { return note("]" + std::to_string(count)); }
  bool on_key_part(text part, error_code&) override { return keep(part); }
  bool on_key(text part, error_code&) override { return note("key " + whole(part)); }
  bool on_string_part(text part, error_code&) override { return keep(part); }
  bool on_string(text part, error_code& failure) override {
    auto const read = whole(part);
    if (read == "stop") failure = boost::json::error::syntax;
    return note("text " + read) && read != "stop";
  }
  bool on_number_part(text, error_code&) override { return true; }
  bool on_int64(std::int64_t value, text, error_code&) override {
    return note("int " + std::to_string(value));
  }
  bool on_uint64(std::uint64_t value, text, error_code&) override {
    return note("uint " + std::to_string(value));
  }
  bool on_double(double value, text, error_code&) override { return note(value == 0.5 ? "half" : "other"); }
  bool on_bool(bool value, error_code&) override { return note(value ? "true" : "false"); }
  bool on_null(error_code&) override { return note("null"); }

 private:
  bool note(std::string const& what) {
    seen += seen.empty() ? what : ' ' + what;
    return true;
  }
  bool keep(text part) {
    pending_.append(part.data(), part.size());
    return true;
  }
  std::string whole(text part) {
    keep(part);
    return std::exchange(pending_, {});
  }

  std::string pending_;
};

struct outcome {
  std::string seen;
  std::size_t used;
  boost::json::error_code failure;
};

outcome read(std::string_view text, std::size_t depth = 32) {
  boost::json::parse_options options;
  options.max_depth = depth;
  recorder events;
  boost::json::error_code failure;
  auto const used = tenon::detail::read_json_events(text, options, events, failure);
  return {events.seen, used, failure};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_events)

BOOST_AUTO_TEST_CASE(every_kind_of_value_is_told_in_order) {
  std::string const json = R"({"a\u0062c": [1, 18446744073709551615, 0.5, true, false, null], "d": "e\nf"})";
  auto const found = read(json);
  BOOST_TEST(!found.failure);
  BOOST_TEST(found.used == json.size());
  BOOST_TEST(found.seen ==
             "{ key abc [ int 1 uint 18446744073709551615 half true false null ]6 key d text e\nf }2");
}

BOOST_AUTO_TEST_CASE(a_reader_that_refuses_ends_the_reading) {
  auto const found = read(R"(["go", "stop", "on"])");
  BOOST_TEST(found.failure == boost::json::error::syntax);
  BOOST_TEST(found.used < std::size_t{20});
  BOOST_TEST(found.seen == "[ text go text stop");
}

BOOST_AUTO_TEST_CASE(what_is_no_whole_value_fails_where_it_ends) {
  BOOST_TEST(read("[1, 2").failure == boost::json::error::incomplete);
  BOOST_TEST(read("[[[1]]]", 2).failure == boost::json::error::too_deep);
  BOOST_TEST(read("nul]").failure.failed());
}

BOOST_AUTO_TEST_SUITE_END()
