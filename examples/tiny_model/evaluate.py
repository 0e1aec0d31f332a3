#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers heldout.jsonl with the checkpoint in this folder and scores it (needs torch and transformers).

`python3 evaluate.py --device cuda` prints score.py's table. Greedy, float32 arithmetic on the bf16 weights.
"""

import argparse
import json
import pathlib
import re
import sys

import transformers

import score
from model import load_decoder

HERE = pathlib.Path(__file__).parent
CALL = re.compile(r"<tool_call>\n(.*?)\n</tool_call>", re.DOTALL)


def prompt_ids(tokenizer, question: dict) -> list:
    text = tokenizer.apply_chat_template(question["messages"], tools=question.get("tools"), tokenize=False, add_generation_prompt=True,
                                         enable_thinking=question["enable_thinking"])
    return tokenizer(text)["input_ids"]


def split_answer(text: str) -> dict:
    """Thinking, content and tool calls of a generated text."""
    thought, mark, rest = text.rpartition("</think>")
    content, calls = rest if mark else text, []
    for found in CALL.findall(content):
        try:
            calls.append({"type": "function", "function": json.loads(found)})
        except ValueError:
            calls.append({"type": "function", "function": {"name": None, "arguments": None}})
    return {"content": CALL.sub("", content).strip(), "reasoning_content": thought.replace("<think>", "").strip(), "tool_calls": calls}


def answer_all(decoder, tokenizer, questions: list, most: int = 256) -> list:
    stop = {tokenizer.convert_tokens_to_ids(t) for t in ("<|im_end|>", "<|endoftext|>")}
    found = decoder.generate([prompt_ids(tokenizer, q) for q in questions], stop, most)
    return [{"id": q["id"], **split_answer(tokenizer.decode(ids))} for q, ids in zip(questions, found)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=pathlib.Path, default=HERE)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--questions", type=pathlib.Path, default=HERE / "heldout.jsonl")
    parser.add_argument("--answers", type=pathlib.Path, help="also write the answers here (JSON lines)")
    arguments = parser.parse_args()
    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.directory)
    questions = score.read_lines(arguments.questions)
    answers = answer_all(load_decoder(arguments.directory, arguments.device), tokenizer, questions)
    if arguments.answers:
        arguments.answers.write_text("".join(json.dumps(a, ensure_ascii=False) + "\n" for a in answers), encoding="utf-8")
    text, lowest, _ = score.table(questions, {a["id"]: a for a in answers})
    print(text)
    return int(lowest < 0.97)


if __name__ == "__main__":
    sys.exit(main())
