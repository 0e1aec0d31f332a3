// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/basic_parser_impl.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tenon::detail {

/// What a reader of JSON learns, in the order of the text. Keys, strings and numbers may come in parts, the
/// last of which comes with the event itself. Whoever returns false sets `failure`, and ends the reading.
class json_events {
 public:
  using error_code = boost::json::error_code;
  using text = boost::json::string_view;

  json_events() = default;
  json_events(json_events const&) = delete;
  json_events& operator=(json_events const&) = delete;
  virtual ~json_events() = default;

  virtual bool on_object_begin(error_code& failure) = 0;
  virtual bool on_object_end(std::size_t count, error_code& failure) = 0;
  virtual bool on_array_begin(error_code& failure) = 0;
  virtual bool on_array_end(std::size_t count, error_code& failure) = 0;
  virtual bool on_key_part(text part, error_code& failure) = 0;
  virtual bool on_key(text part, error_code& failure) = 0;
  virtual bool on_string_part(text part, error_code& failure) = 0;
  virtual bool on_string(text part, error_code& failure) = 0;
  virtual bool on_number_part(text part, error_code& failure) = 0;
  virtual bool on_int64(std::int64_t value, text part, error_code& failure) = 0;
  virtual bool on_uint64(std::uint64_t value, text part, error_code& failure) = 0;
  virtual bool on_double(double value, text part, error_code& failure) = 0;
  virtual bool on_bool(bool value, error_code& failure) = 0;
  virtual bool on_null(error_code& failure) = 0;
};

/// Hands what Boost.JSON's parser finds to a json_events. The parser is a template of a hundred functions: so
/// it is compiled once, whoever reads. Sizes are bounded by the text alone.
class json_event_relay {
 public:
  static constexpr std::size_t max_object_size = ~std::size_t{0};
  static constexpr std::size_t max_array_size = ~std::size_t{0};
  static constexpr std::size_t max_key_size = ~std::size_t{0};
  static constexpr std::size_t max_string_size = ~std::size_t{0};

  using error_code = json_events::error_code;
  using text = json_events::text;

  explicit json_event_relay(json_events& to) noexcept : to_{&to} {}

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& failure) { return to_->on_object_begin(failure); }
  bool on_object_end(std::size_t count, error_code& failure) { return to_->on_object_end(count, failure); }
  bool on_array_begin(error_code& failure) { return to_->on_array_begin(failure); }
  bool on_array_end(std::size_t count, error_code& failure) { return to_->on_array_end(count, failure); }
  bool on_key_part(text part, std::size_t, error_code& failure) { return to_->on_key_part(part, failure); }
  bool on_key(text part, std::size_t, error_code& failure) { return to_->on_key(part, failure); }
  bool on_string_part(text part, std::size_t, error_code& failure) {
    return to_->on_string_part(part, failure);
  }
  bool on_string(text part, std::size_t, error_code& failure) { return to_->on_string(part, failure); }
  bool on_number_part(text part, error_code& failure) { return to_->on_number_part(part, failure); }
  bool on_int64(std::int64_t value, text part, error_code& failure) {
    return to_->on_int64(value, part, failure);
  }
  bool on_uint64(std::uint64_t value, text part, error_code& failure) {
    return to_->on_uint64(value, part, failure);
  }
  bool on_double(double value, text part, error_code& failure) {
    return to_->on_double(value, part, failure);
  }
  bool on_bool(bool value, error_code& failure) { return to_->on_bool(value, failure); }
  bool on_null(error_code& failure) { return to_->on_null(failure); }
  bool on_comment_part(text, error_code&) { return true; }
  bool on_comment(text, error_code&) { return true; }

 private:
  json_events* to_;
};

/// Tells `events` of one JSON value at the start of `text`. Returns how many bytes were read; `failure` says
/// why those were not a whole value.
inline std::size_t read_json_events(std::string_view text, boost::json::parse_options const& options,
                                    json_events& events, json_events::error_code& failure) {
  boost::json::basic_parser<json_event_relay> parser{options, events};
  return parser.write_some(false, text.data(), text.size(), failure);
}

}  // namespace tenon::detail
