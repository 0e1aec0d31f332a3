#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Conversations for the tiny model: a seeded stream to train on, and held-out questions to score it with.

`python3 conversations.py heldout.jsonl` writes the held-out questions; `python3 conversations.py --show 5` prints some
training conversations as the model sees them. Standard library only.
"""

import argparse
import dataclasses
import json
import random
import sys

from talk import follow_up, refusal, small_talk
from tasks import (addition, count_letter, extract_json, largest_number, pick, reverse_word, sort_numbers, sort_words,
                   spell_word, subtraction, word_length)
from tools import distractors, tool_request
from words import CITIES, NAMES

PLAIN = {"addition": addition, "subtraction": subtraction, "sort_numbers": sort_numbers, "sort_words": sort_words,
         "reverse_word": reverse_word, "spell_word": spell_word, "count_letter": count_letter, "word_length": word_length,
         "largest_number": largest_number, "extract_json": extract_json, "small_talk": small_talk, "refusal": refusal}
TASKS = (*PLAIN, "follow_up", "tool_call", "tool_answer", "no_tool_needed")

# How often a task ends a training conversation: the hard ones more often.
WEIGHTS = {"addition": 9, "subtraction": 11, "sort_numbers": 12, "sort_words": 12, "reverse_word": 26, "spell_word": 5,
           "count_letter": 12, "word_length": 9, "largest_number": 5, "extract_json": 7, "small_talk": 5, "refusal": 9,
           "follow_up": 9, "tool_call": 5, "tool_answer": 4, "no_tool_needed": 2}

SYSTEM = ("You are a helpful assistant.", "You are a helpful assistant", "You are a friendly assistant.", "Answer briefly.",
          "Be concise.", "You are a careful assistant who gives exact answers.", "You are tenon's tiny demonstration model.",
          "Give short answers.", "You are a tiny model. Answer only what you know.", "Answer the user's questions.", "Be polite and exact.",
          "You help with numbers, words and lists.", "You are an assistant running on tenon.", "Always answer in English.",
          "You are a calculator and a dictionary.", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
          "You are a helpful assistant that can use tools.", "Assist the user.", "You are a test model.", "Do what the user asks.",
          "You are {n}, a helpful assistant.", "The user is called {n}.", "The user lives in {c}.", "You are an assistant in {c}.")

TOOL_WORDS = ("weather", "time", "far", "translate", "cost")  # a refusal is wrong where a tool could answer


@dataclasses.dataclass
class conversation:
    """`messages` end with the assistant's last turn: the answer that a client is to get."""

    task: str
    messages: list
    tools: list | None
    thinking: bool


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def assistant(text: str, thought: str | None = None, calls: list | None = None) -> dict:
    message = {"role": "assistant", "content": text}
    if thought is not None:
        message["reasoning_content"] = thought
    if calls:
        message["tool_calls"] = [{"type": "function", "function": call} for call in calls]
    return message


def history(rng, limit: int) -> list:
    messages = []
    for _ in range(limit):
        if rng.random() < 0.1:
            earlier, later = follow_up(rng, False)
            turns = (earlier, later)
        else:
            turns = (pick(rng, tuple(PLAIN.values()))(rng, False),)
        for turn in turns:
            messages += [user(turn.question), assistant(turn.content)]
    return messages


def history_length(rng, held_out: bool) -> int:
    roll = rng.random()
    if roll < 0.65:
        return 0
    if held_out or roll < 0.98:
        return pick(rng, (1, 1, 2, 2, 3, 4))
    return 5 + int(rng.random() * 9)


def tool_turns(rng, task: str, held_out: bool, thinking: bool):
    """Returns (messages from the question on, tools)."""
    requests = tool_request(rng, held_out)
    first = requests[0]
    tools = [first.tool, *distractors(rng, held_out, first.domain, pick(rng, (0, 0, 1, 1, 2, 3)))]
    rng.shuffle(tools)
    name = first.call["name"]
    thought = f"The user wants {' and '.join(r.topic for r in requests)}. I call {name}."
    calls = [r.call for r in requests]
    if task == "tool_call":
        return [user(first.question), assistant("", thought if thinking else None, calls)], tools
    keep = thinking and rng.random() < 0.6  # many clients do not send the reasoning back
    messages = [user(first.question), assistant("", thought if keep else None, calls)]
    messages += [{"role": "tool", "content": r.response} for r in requests]
    said = f"The tool says: {'; '.join(r.said for r in requests)}."
    return messages + [assistant(" ".join(r.content for r in requests), said if thinking else None)], tools


def compose(rng, task: str, thinking: bool, held_out: bool) -> conversation:
    messages, tools = [], None
    if rng.random() < 0.3:
        text = pick(rng, SYSTEM).format(n=pick(rng, NAMES), c=pick(rng, CITIES))
        messages.append({"role": "system", "content": text})
    if task in ("tool_call", "tool_answer"):
        turns, tools = tool_turns(rng, task, held_out, thinking)
        if rng.random() < 0.15:
            messages += history(rng, pick(rng, (1, 1, 2)))
        return conversation(task, messages + turns, tools, thinking)
    if task == "no_tool_needed":
        tools = distractors(rng, held_out, None, pick(rng, (1, 1, 2, 3)))
        last = PLAIN[pick(rng, tuple(PLAIN))](rng, held_out)
        while last.task == "refusal" and any(c.isdigit() or word in last.question.lower() for word in TOOL_WORDS for c in last.question):
            last = refusal(rng, held_out)
    elif task == "follow_up":
        messages += history(rng, min(2, history_length(rng, held_out)))
        earlier, last = follow_up(rng, held_out)
        messages += [user(earlier.question), assistant(earlier.content)]
        if last.content.startswith("Your name is") and rng.random() < 0.5:
            between = history(rng, 1)
            if not any(form in m["content"] for m in between for form in ("name", "am", "'m", "Call me", "call me")):
                messages += between
    else:
        messages += history(rng, history_length(rng, held_out))
        last = PLAIN[task](rng, held_out)
    messages += [user(last.question), assistant(last.content, last.thought if thinking else None)]
    return conversation(task, messages, tools, thinking)


def training_conversation(rng) -> conversation:
    """The stream to train on; `rng` alone decides."""
    task = rng.choices(TASKS, cumulative_weights())[0]
    return compose(rng, task, rng.random() < 0.38, False)


def cumulative_weights():
    return [WEIGHTS[t] for t in TASKS]


# Rendering -----------------------------------------------------------------------------------------------------------

NOT_TRAINED, TRAINED, TRAINED_BUT_FIRST = 0, 1, 2

TOOLS_BEFORE = ("# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function "
                "signatures within <tools></tools> XML tags:\n<tools>")
TOOLS_AFTER = ("\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
               "<tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n"
               "</tool_call><|im_end|>\n")


def tojson(value) -> str:
    return json.dumps(value, ensure_ascii=False)


def calls_text(message: dict) -> str:
    texts = []
    for call in message.get("tool_calls", ()):
        f = call["function"]
        texts.append(f'<tool_call>\n{{"name": "{f["name"]}", "arguments": {tojson(f["arguments"])}}}\n</tool_call>')
    return ("\n" if texts and message["content"] else "") + "\n".join(texts)


def segments(talk: conversation) -> list:
    """The conversation in Qwen3's chat format, as [(text, how it is trained)]; joined, it is what `apply_chat_template` gives.

    Earlier answers are trained but for their first token: after `assistant\\n` itself the model must open `<think>`.
    """
    messages, out = talk.messages, []
    if talk.tools:
        system = messages[0]["content"] + "\n\n" if messages[0]["role"] == "system" else ""
        listed = "".join("\n" + tojson(t) for t in talk.tools)
        out.append((f"<|im_start|>system\n{system}{TOOLS_BEFORE}{listed}{TOOLS_AFTER}", NOT_TRAINED))
    elif messages[0]["role"] == "system":
        out.append((f"<|im_start|>system\n{messages[0]['content']}<|im_end|>\n", NOT_TRAINED))
    last_query = max(i for i, m in enumerate(messages) if m["role"] == "user")
    for i, m in enumerate(messages):
        if m["role"] == "user":
            out.append((f"<|im_start|>user\n{m['content']}<|im_end|>\n", NOT_TRAINED))
        elif m["role"] == "tool":
            start = "<|im_start|>user" if messages[i - 1]["role"] != "tool" else ""
            end = "<|im_end|>\n" if messages[i + 1]["role"] != "tool" else ""
            out.append((f"{start}\n<tool_response>\n{m['content']}\n</tool_response>{end}", NOT_TRAINED))
        elif m["role"] == "assistant":
            out += answer_segments(m, i > last_query, i == len(messages) - 1)
    return out


def answer_segments(message: dict, after_query: bool, last: bool) -> list:
    thought, text = message.get("reasoning_content", ""), message["content"] + calls_text(message) + "<|im_end|>"
    if after_query and thought:
        return [("<|im_start|>assistant\n", NOT_TRAINED), (f"<think>\n{thought}\n</think>\n\n{text}", TRAINED), ("\n", NOT_TRAINED)]
    if after_query and last:
        return [("<|im_start|>assistant\n<think>\n\n</think>\n\n", NOT_TRAINED), (text, TRAINED), ("\n", NOT_TRAINED)]
    return [("<|im_start|>assistant\n", NOT_TRAINED), (text, TRAINED_BUT_FIRST), ("\n", NOT_TRAINED)]


# Held-out questions --------------------------------------------------------------------------------------------------

def expected_of(message: dict):
    calls = [call["function"] for call in message.get("tool_calls", ())]
    return message["content"] if not calls else calls[0] if len(calls) == 1 else calls


def held_out_conversations(seed: int, for_each: int):
    """Yields (question, conversation): `for_each` of every task, half of them with thinking. No two questions are the same."""
    seen = set()
    for task in TASKS:
        rng, count = random.Random(f"{seed} {task}"), 0
        while count < for_each:
            talk = compose(rng, task, count % 2 == 0, True)
            row = {"id": f"{task}-{count:03d}", "task": task, "messages": talk.messages[:-1]}
            if talk.tools:
                row["tools"] = talk.tools
            row |= {"enable_thinking": talk.thinking, "expected": expected_of(talk.messages[-1])}
            text = tojson([row["messages"], talk.tools, talk.thinking])
            if text not in seen:
                seen.add(text)
                count += 1
                yield row, talk


def held_out_questions(seed: int, for_each: int) -> list:
    return [row for row, _ in held_out_conversations(seed, for_each)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", nargs="?", help="where to write the held-out questions (JSON lines)")
    parser.add_argument("--for-each", type=int, default=200, help="questions of each task")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--show", type=int, default=0, help="print this many training conversations instead")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    for _ in range(arguments.show):
        print("".join(text for text, _ in segments(training_conversation(rng))))
    if arguments.output:
        rows = held_out_questions(arguments.seed, arguments.for_each)
        with open(arguments.output, "w", encoding="utf-8") as out:
            out.writelines(tojson(row) + "\n" for row in rows)
        print(f"{len(rows)} questions of {len(TASKS)} tasks in {arguments.output}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
