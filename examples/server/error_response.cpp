// SPDX-License-Identifier: Apache-2.0
#include "server/error_response.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace server {

namespace {

// In braces a value of a value is an array of one.
boost::json::value text_or_null(std::string const& text) {
  return text.empty() ? boost::json::value(nullptr) : boost::json::value(text);
}

}  // namespace

std::string to_json(error_text const& wrong) {
  boost::json::object error;
  error["message"] = wrong.message;
  error["type"] = wrong.type;
  error["param"] = text_or_null(wrong.param);
  error["code"] = text_or_null(wrong.code);
  boost::json::object whole;
  whole["error"] = std::move(error);
  return boost::json::serialize(whole);
}

http_response error_response(int status, error_text const& wrong) {
  return {.status = status, .body = to_json(wrong)};
}

http_response error_response(refusal const& why) {
  error_text wrong{.message = std::string{why.message}, .code = std::string{why.code}};
  if (why.status == 503) wrong.type = "server_error";
  return error_response(why.status, wrong);
}

}  // namespace server
