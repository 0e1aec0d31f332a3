#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares tenon's chat formats with transformers' apply_chat_template on random conversations.

Needs transformers, jinja2 and a directory with the public tokenizer files (qwen/qwen2.5, qwen/qwen3).

    chat_format.py --program build/tests/oracle/render_chats --data DIR [--count N] [--seed S] [--quick]
    chat_format.py --write tests/reference/chats.jsonl --data DIR --count 40 --seed 1

What is compared, for each family and conversation:
  text   equal to apply_chat_template(tokenize=False), always
  ids    equal to apply_chat_template(tokenize=True) where no content holds the text of an added token; elsewhere
         equal to those of the text whose contents are read without added tokens, of which there must be as many as
         the template wrote
Deliberate differences are translated for the oracle: developer is given to it as system, null content as "",
content parts as one string, and Qwen2.5 gets arguments that arrived as a string as the object they spell.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import time
import unicodedata

WORDS = ("hello", "the", "weather", "in", "Paris", "don't", "1234", "x=1;", "SELECT *", "foo_bar", "naïve", "Ünïcödé")
PIECES = (
    "\n", "\n\n", " ", "  ", "\t", "\r\n", "\x01", "\x1f", "\x7f", "\u00a0", "\u2028", "\u200d", "\ufeff",
    "你好，世界", "こんにちは", "안녕하세요", "привет", "שלום", "مرحبا", "नमस्ते", "ไทย", "e\u0301", "\u0338", "\u1100\u1161",
    "🙂", "👩‍👩‍👧", "🇫🇷", "𝔘", "\U0010ffff", "\\", "\"", "'", "{", "}", "[]", "<", ">", "&", "<b>", "</", "|>", "<|",
    "%}", "{{ x }}", "{% if %}", "im_start", "think>", "/think", "ǅ", "ſ", "K", "ﬁ", "½", "²", "Ⅷ",
)


def random_text(rng, specials=(), longest=12):
    out = []
    for _ in range(rng.randrange(longest)):
        kind = rng.random()
        if kind < 0.5:
            out.append(rng.choice(WORDS) + rng.choice((" ", "", ", ")))
        elif kind < 0.85 or not specials:
            out.append(rng.choice(PIECES))
        else:
            out.append(rng.choice(specials))
    return "".join(out)


def random_float(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice((0.0, -0.0, 1.0, 1e15, 1e16, 1e-4, 1e-5, 123456789012345680.0, 5e-324, 1.7976931348623157e308))
    if kind == 1:
        return rng.randrange(-10**6, 10**6) / 10 ** rng.randrange(8)
    return rng.choice((-1, 1)) * rng.random() * 10.0 ** rng.randrange(-30, 30)


def random_json(rng, specials, depth=0):
    kind = rng.randrange(9 if depth < 4 else 7)
    if kind == 0:
        return None
    if kind == 1:
        return rng.random() < 0.5
    if kind == 2:
        return rng.choice((0, -1, 7, 10**6, 2**63 - 1, -(2**63), 2**64 - 1, rng.randrange(-(10**9), 10**9)))
    if kind == 3:
        return random_float(rng)
    if kind < 7:
        return random_text(rng, specials, 6)
    if kind == 7:
        return [random_json(rng, specials, depth + 1) for _ in range(rng.randrange(4))]
    return random_object(rng, specials, depth + 1)


def random_object(rng, specials, depth=0):
    return {random_text(rng, specials, 4): random_json(rng, specials, depth) for _ in range(rng.randrange(4))}


def random_tool(rng, specials):
    properties = {
        random_text(rng, specials, 3) or "x": {
            "type": rng.choice(("string", "number", "object")),
            "description": random_text(rng, specials, 6),
            "enum": [random_json(rng, specials, 3) for _ in range(rng.randrange(3))],
            "default": random_json(rng, specials, 2),
        }
        for _ in range(rng.randrange(4))
    }
    function = {
        "name": rng.choice(("get_weather", "suche", "计算", "f")),
        "description": random_text(rng, specials),
        "parameters": {"type": "object", "properties": properties, "required": list(properties)[:1]},
    }
    if rng.random() < 0.2:
        function["strict"] = rng.random() < 0.5
    tool = {"type": "function", "function": function}
    return tool if rng.random() < 0.8 else {"function": function, "type": "function", "extra": random_json(rng, specials)}


def random_call(rng, specials):
    arguments = random_object(rng, specials)
    if rng.random() < 0.5:
        arguments = json.dumps(
            arguments,
            ensure_ascii=rng.random() < 0.5,
            indent=rng.choice((None, 2)),
            separators=rng.choice((None, (",", ":"))),
        )
    name = rng.choice(("get_weather", "suche", "计算", "f\"", random_text(rng, specials, 3) or "g"))
    return {"id": "call_%d" % rng.randrange(10**6), "type": "function", "function": {"name": name, "arguments": arguments}}


def random_content(rng, specials):
    text = random_text(rng, specials)
    if rng.random() < 0.1:
        return [{"type": "text", "text": text}, {"type": "text", "text": random_text(rng, specials)}]
    return text


def random_assistant(rng, specials, chaos):
    message = {"role": "assistant", "content": random_content(rng, specials)}
    kind = rng.random()
    if kind < 0.3:
        message[rng.choice(("reasoning_content", "reasoning_content", "reasoning"))] = rng.choice(
            ("", None, "\n", random_text(rng, specials), "\n" * rng.randrange(3) + random_text(rng, specials) + "\n")
        )
        if rng.random() < 0.1:
            message.update(reasoning_content=None, reasoning=random_text(rng, specials))
    elif kind < 0.6:
        thought = random_text(rng, ())
        # Only plain text may follow: what stands after a marker is searched for markers again.
        message["content"] = rng.choice(("", "lead ")) + "<think>" + rng.choice(("", "\n", "\n\n")) + thought + rng.choice(
            ("\n", "", "\n\n")) + "</think>" + rng.choice(("", "\n", "\n\n")) + random_text(rng, ())
    elif chaos:
        message["content"] = random_text(rng, ("<think>", "</think>", "\n", "<think>\n", "\n</think>\n\n"))
    elif kind < 0.8:
        message["content"] = random_text(rng, ())
    else:
        message["reasoning_content"] = ""
    if rng.random() < 0.35:
        message["tool_calls"] = [random_call(rng, specials) for _ in range(rng.randrange(4))]
        if rng.random() < 0.3:
            message["content"] = rng.choice((None, ""))
    return message


def random_conversation(rng, added_tokens):
    """A conversation with its settings; `special` says whether contents may hold added tokens' text."""
    special = rng.random() < 0.4
    chaos = rng.random() < 0.3
    specials = added_tokens if special else ()
    messages = []
    if rng.random() < 0.5:
        messages.append({"role": rng.choice(("system", "system", "developer")), "content": random_content(rng, specials)})
    for _ in range(rng.randrange(1, 8)):
        kind = rng.random()
        if kind < 0.4:
            content = random_content(rng, specials)
            if rng.random() < 0.1:
                content = "<tool_response>" + random_text(rng, ()) + rng.choice(("</tool_response>", ""))
            messages.append({"role": "user", "content": content})
        elif kind < 0.75:
            messages.append(random_assistant(rng, specials, chaos))
        elif kind < 0.95:
            for _ in range(rng.randrange(1, 4)):
                messages.append({"role": "tool", "content": random_content(rng, specials), "tool_call_id": "call_1"})
        else:
            messages.append({"role": "system", "content": random_content(rng, specials)})
    conversation = {"messages": messages, "chaos": chaos}
    if rng.random() < 0.4:
        conversation["tools"] = [random_tool(rng, specials) for _ in range(rng.randrange(4))]
    conversation["enable_thinking"] = rng.choice((None, True, False))
    last = messages[-1]
    if last["role"] == "assistant" and not last.get("tool_calls") and rng.random() < 0.4:
        conversation["continue_final_message"] = True
    conversation["add_generation_prompt"] = "continue_final_message" not in conversation and rng.random() < 0.6
    return conversation


def for_oracle(family, message):
    """The message with tenon's deliberate differences written out."""
    message = dict(message)
    if message["role"] == "developer":
        message["role"] = "system"
    content = message.get("content")
    if content is None:
        content = ""
    elif isinstance(content, list):
        content = "".join(part["text"] for part in content)
    message["content"] = content
    if message.get("tool_calls") and family == "qwen2.5":
        message["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": parsed(call["function"]["arguments"])}}
            for call in message["tool_calls"]
        ]
    return message


def parsed(arguments):
    return json.loads(arguments) if isinstance(arguments, str) else arguments


def broken(value, added_tokens, keep=()):
    """`value` with a word joiner inside every added token's text but those in `keep`."""
    if isinstance(value, str):
        for token in added_tokens:
            if token not in keep:
                value = value.replace(token, token[:2] + "\u2060" + token[2:])
        return value
    if isinstance(value, list):
        return [broken(each, added_tokens, keep) for each in value]
    if isinstance(value, dict):
        return {broken(k, added_tokens, keep): broken(v, added_tokens, keep) for k, v in value.items()}
    return value


def without_added_tokens(message, added_tokens):
    """The message with every added token's text broken but that which steers the template, and how many of those
    are rendered all the same."""
    content = message["content"]
    clean = {key: broken(value, added_tokens) for key, value in message.items()}
    if message["role"] == "user" and content.startswith("<tool_response>"):
        wrapper = ("<tool_response>", "</tool_response>")
        clean["content"] = broken(content, added_tokens, wrapper)
        return clean, sum(content.count(token) for token in wrapper if token in added_tokens)
    given = any(message.get(key) is not None for key in ("reasoning_content", "reasoning"))
    if message["role"] == "assistant" and not given and "</think>" in content:
        head, mark, tail = content.rpartition("</think>")
        clean["content"] = broken(head, added_tokens, ("<think>", "</think>")) + mark + broken(tail, added_tokens)
    return clean, 0


def template_tokens(render, messages, tools, settings, added_tokens):
    """How many added tokens the template itself writes: as many as there are in the conversation without any."""
    clean, rendered = zip(*(without_added_tokens(message, added_tokens) for message in messages))
    text = render(list(clean), tools=broken(tools, added_tokens), **settings)
    return sum(text.count(token) for token in added_tokens) - sum(rendered)


def holds_any(added_tokens, value):
    """Whether a string somewhere in `value` holds the text of an added token."""
    if isinstance(value, str):
        return any(token in value for token in added_tokens)
    if isinstance(value, dict):
        value = [*value, *value.values()]
    return isinstance(value, list) and any(holds_any(added_tokens, each) for each in value)


class family_oracle:
    def __init__(self, family, directory):
        from tokenizers import Tokenizer
        from transformers import AutoTokenizer

        self.family = family
        self.tokenizer = AutoTokenizer.from_pretrained(os.path.join(directory, family))
        self.added = {token.content: id for id, token in self.tokenizer.added_tokens_decoder.items()}
        with open(os.path.join(directory, family, "tokenizer.json"), encoding="utf-8") as file:
            self.without_added = Tokenizer.from_str(json.dumps({**json.load(file), "added_tokens": []}))
        self.split_at_added = re.compile("(" + "|".join(map(re.escape, self.added)) + ")")
        self.failures = 0
        self.counts = {"conversations": 0, "ids equal": 0, "ids equal outside of contents": 0}
        self.counts.update({"added tokens counted": 0, "not rendered by transformers": 0})

    def render(self, messages, **settings):
        return self.tokenizer.apply_chat_template(messages, tokenize=False, **settings)

    def expected(self, conversation):
        """What transformers renders for the conversation: messages, tools and settings as it got them, and the text;
        no text where it refuses to continue a message that the template rewrites."""
        messages = [for_oracle(self.family, message) for message in conversation["messages"]]
        settings = {"add_generation_prompt": conversation["add_generation_prompt"]}
        if conversation["enable_thinking"] is not None:
            settings["enable_thinking"] = conversation["enable_thinking"]
        if conversation.get("continue_final_message"):
            settings["continue_final_message"] = True
        tools = conversation.get("tools")
        try:
            return messages, tools, settings, self.render(messages, tools=tools, **settings)
        except ValueError:
            return messages, tools, settings, None

    def check(self, conversation, answer):
        messages, tools, settings, text = self.expected(conversation)
        if text is None:
            self.counts["not rendered by transformers"] += 1
            return
        self.counts["conversations"] += 1
        if answer.get("text") != text:
            return self.fail("text", conversation, text, answer.get("text", answer))
        if "".join(piece for piece, _ in answer["spans"]) != text:
            return self.fail("spans", conversation, text, answer["spans"])
        if "ids" in answer:
            self.check_ids(conversation, answer, messages, tools, settings)

    def check_ids(self, conversation, answer, messages, tools, settings):
        held = any(token in piece for piece, trusted in answer["spans"] if not trusted for token in self.added)
        decoded = self.tokenizer.decode(answer["ids"], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        if decoded != unicodedata.normalize("NFC", answer["text"]):
            return self.fail("decoded text", conversation, answer["text"], decoded)
        if held:
            self.counts["ids equal outside of contents"] += 1
            expected = self.ids_of_spans(answer["spans"])
        else:
            self.counts["ids equal"] += 1
            expected = self.tokenizer.apply_chat_template(
                messages, tools=tools, tokenize=True, return_dict=False, **settings
            )
        if answer["ids"] != expected:
            self.fail("ids", conversation, expected, answer["ids"])
        if not conversation["chaos"] and holds_any(self.added, [messages, tools]):
            self.counts["added tokens counted"] += 1
            expected = template_tokens(self.render, messages, tools, settings, self.added)
            found = sum(id in self.added.values() for id in answer["ids"])
            if expected != found:
                self.fail("number of added tokens", conversation, expected, found)

    def ids_of_spans(self, spans):
        """The ids when added tokens match in trusted spans only: the text between those has none to match."""
        ids, between = [], ""
        for piece, trusted in spans:
            for part in self.split_at_added.split(piece) if trusted else [piece]:
                if trusted and part in self.added:
                    ids += self.without_added.encode(between, add_special_tokens=False).ids + [self.added[part]]
                    between = ""
                else:
                    between += part
        return ids + self.without_added.encode(between, add_special_tokens=False).ids

    def fail(self, what, conversation, expected, found):
        self.failures += 1
        if self.failures <= 3:
            print(f"{self.family}: {what} differs", json.dumps(conversation), f"expected {expected!r}", f"found    {found!r}", sep="\n")


def run_program(program, directory, family, conversations):
    lines = "".join(json.dumps({"family": family, **each}, ensure_ascii=False) + "\n" for each in conversations)
    result = subprocess.run([program, os.path.join(directory, family)], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in result.stdout.decode().split("\n")[:-1]]


def write_reference(path, oracles, seed, count):
    """Writes conversations with the text that transformers renders for them, one JSON object a line."""
    with open(path, "w", encoding="utf-8") as file:
        for oracle in oracles:
            rng = random.Random(f"{seed} {oracle.family}")
            for _ in range(count):
                conversation = random_conversation(rng, list(oracle.added))
                text = oracle.expected(conversation)[-1]
                if text is not None and len(text) < 3000:
                    line = {"family": oracle.family, **conversation, "text": text}
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", help="the built tests/oracle/render_chats.cpp")
    arguments.add_argument("--write", metavar="FILE", help="compare nothing, write conversations and their rendering")
    arguments.add_argument("--data", default=os.environ.get("TENON_TEST_DATA"), help="holds qwen/qwen2.5 and qwen/qwen3")
    arguments.add_argument("--count", type=int, default=10000, help="conversations of each family")
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("TENON_TEST_SEED", time.time())))
    arguments.add_argument("--quick", action="store_true", help="500 conversations of each family")
    options = arguments.parse_args()
    directory = os.path.join(options.data or "", "qwen")
    if not os.path.isdir(directory):
        print("skipped: no tokenizer files; set TENON_TEST_DATA or --data")
        return 77
    count = 500 if options.quick else options.count
    print("seed", options.seed)
    oracles = [family_oracle(family, directory) for family in ("qwen2.5", "qwen3")]
    if options.write:
        write_reference(options.write, oracles, options.seed, count)
        return 0
    if not options.program:
        arguments.error("--program or --write is needed")
    failures = 0
    for oracle in oracles:
        family = oracle.family
        rng = random.Random(f"{options.seed} {family}")
        conversations = [random_conversation(rng, list(oracle.added)) for _ in range(count)]
        answers = run_program(options.program, directory, family, conversations)
        if len(answers) != len(conversations):
            sys.exit(f"{family}: {len(answers)} answers for {len(conversations)} conversations")
        for conversation, answer in zip(conversations, answers):
            oracle.check(conversation, answer)
        print(family, *(f"{name}: {number}," for name, number in oracle.counts.items()), f"failures: {oracle.failures}")
        failures += oracle.failures
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
