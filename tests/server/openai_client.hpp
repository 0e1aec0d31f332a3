// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

/// What a client of the OpenAI API makes of an answer.
namespace openai_test {

/// The choices of a stream, each the sum of its chunks, in the form that `choices_of` gives. Throws where a
/// chunk breaks the rules that clients rely on: role, and each call's id, type and name, once; indices of
/// calls without gaps; nothing behind a finish_reason.
boost::json::value sum_of(std::vector<boost::json::value> const& chunks);

/// The choices of an answer in one piece, without what a stream cannot tell: content and reasoning_content
/// are texts, empty where there are none; a call's id is cut to its own part.
boost::json::value choices_of(boost::json::value const& whole);

/// The body of a chat with one question and the fields of `more`, an object's text.
std::string chat(std::string_view question, std::string_view more = "{}");

/// `body` with the fields of `more` in place of or beside its own.
std::string with(std::string_view body, std::string_view more);

}  // namespace openai_test
