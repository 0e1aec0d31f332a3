// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Text to ids and back, chats, reasoning, tool calls and stop strings: adds Boost.JSON and utf8proc.

#include "tenon/text/answer_stream.hpp"
#include "tenon/text/byte_level_bpe.hpp"
#include "tenon/text/chat_message.hpp"
#include "tenon/text/forced_tool_call.hpp"
#include "tenon/text/mode_sampling.hpp"
#include "tenon/text/parse_messages.hpp"
#include "tenon/text/any_chat_format.hpp"
#include "tenon/text/reasoning.hpp"
#include "tenon/text/siphash.hpp"
#include "tenon/text/stop_matcher.hpp"
#include "tenon/text/stream_decoder.hpp"
#include "tenon/text/tool_calls.hpp"
