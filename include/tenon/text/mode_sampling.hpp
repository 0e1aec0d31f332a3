// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>

#include "tenon/text/any_chat_format.hpp"
#include "tenon/text/chat_message.hpp"
#include "tenon/work/request.hpp"

namespace tenon {

/// How ids are chosen for a chat that says nothing about it: as the checkpoint's generation_config.json says,
/// `recommended`, which for Qwen3 holds for answers that think. Without thinking its model card asks for
/// temperature 0.7, top_p 0.8, top_k 20 and min_p 0. A checkpoint that does not sample at all stays greedy.
inline sampling_parameters sampling_for(any_chat_format const& format, chat_options const& options,
                                        sampling_parameters recommended) {
  bool const thinks = options.enable_thinking.value_or(true);
  if (thinks || !std::holds_alternative<qwen3_chat>(format) || recommended.temperature == 0.0f)
    return recommended;
  recommended.temperature = 0.7f;
  recommended.top_p = 0.8f;
  recommended.top_k = 20;
  recommended.min_p = 0.0f;
  return recommended;
}

}  // namespace tenon
