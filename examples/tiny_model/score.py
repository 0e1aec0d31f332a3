#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scores answers to heldout.jsonl: exact match by task, with and without thinking.

    examples/batch --model examples/tiny_model --in examples/tiny_model/heldout.jsonl --out answers.jsonl
    python3 examples/tiny_model/score.py answers.jsonl

An answer line is {"id", "content", "reasoning_content", "tool_calls"}; `tool_calls` as in the OpenAI interface
(`function.arguments` a JSON string or an object). Exits with 1 if a task is below the limit or a question has no answer.
"""

import argparse
import collections
import json
import pathlib
import sys


def read_lines(path) -> list:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def calls_of(answer: dict) -> list:
    calls = []
    for call in answer.get("tool_calls") or ():
        function = call.get("function", call)
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments)
            except ValueError:
                arguments = None
        calls.append({"name": function.get("name"), "arguments": arguments})
    return calls


def is_right(question: dict, answer: dict) -> bool:
    expected = question["expected"]
    if isinstance(expected, str):
        return not answer.get("tool_calls") and (answer.get("content") or "").strip() == expected
    return calls_of(answer) == (expected if isinstance(expected, list) else [expected])


def table(questions: list, answers: dict):
    """Returns (text, the lowest share of right answers of a task, questions without an answer)."""
    right, asked, missing = collections.Counter(), collections.Counter(), []
    for question in questions:
        cell = (question["task"], question["enable_thinking"])
        answer = answers.get(question["id"])
        if answer is None:
            missing.append(question["id"])
        asked[cell] += 1
        right[cell] += answer is not None and is_right(question, answer)
    lines, lowest = [f"{'task':<16} {'questions':>9} {'thinking':>9} {'direct':>9} {'all':>9}"], 1.0
    def share(cells):
        count = sum(asked[c] for c in cells)
        return sum(right[c] for c in cells) / count if count else float("nan")
    for task in dict.fromkeys(q["task"] for q in questions):
        cells = [(task, True), (task, False)]
        lowest = min(lowest, share(cells))
        lines.append(f"{task:<16} {sum(asked[c] for c in cells):>9} " + " ".join(f"{share(c):>9.1%}" for c in (cells[:1], cells[1:], cells)))
    lines.append(f"{'all':<16} {len(questions):>9} " + " ".join(
        f"{share([c for c in asked if c[1] in kind]):>9.1%}" for kind in ((True,), (False,), (True, False))))
    return "\n".join(lines), lowest, missing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("answers")
    parser.add_argument("--questions", default=pathlib.Path(__file__).parent / "heldout.jsonl")
    parser.add_argument("--limit", type=float, default=0.97, help="share of right answers that every task needs")
    parser.add_argument("--show", type=int, default=0, help="print this many wrong answers")
    arguments = parser.parse_args()
    questions, answers = read_lines(arguments.questions), {a["id"]: a for a in read_lines(arguments.answers)}
    text, lowest, missing = table(questions, answers)
    print(text)
    wrong = [q for q in questions if q["id"] in answers and not is_right(q, answers[q["id"]])]
    for question in wrong[:arguments.show]:
        answer = answers[question["id"]]
        print(f"{question['id']}: {question['messages'][-1]['content']!r}\n  expected {question['expected']!r}\n"
              f"  found    {answer.get('content')!r} {calls_of(answer) or ''}")
    if missing:
        print(f"{len(missing)} questions have no answer, the first is {missing[0]}", file=sys.stderr)
    if lowest < arguments.limit:
        print(f"a task is at {lowest:.1%}, expected at least {arguments.limit:.0%}", file=sys.stderr)
    return int(bool(missing) or lowest < arguments.limit)


if __name__ == "__main__":
    sys.exit(main())
