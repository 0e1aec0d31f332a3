#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the generator: `python3 -m unittest test_conversations` in this folder.

The rendering tests need transformers and are skipped without it; the rest needs the standard library alone.
"""

import collections
import json
import pathlib
import random
import unittest

import conversations
from conversations import TASKS, compose, held_out_questions, segments, training_conversation
from tasks import is_held_out

HERE = pathlib.Path(__file__).parent


def contents(messages) -> list:
    return [m["content"] for m in messages if m["role"] == "user"]


class generator(unittest.TestCase):
    def test_same_seed_same_stream(self):
        streams = [[segments(training_conversation(rng)) for _ in range(200)] for rng in (random.Random(3), random.Random(3))]
        self.assertEqual(*streams)

    def test_no_held_out_question_is_in_the_training_stream(self):
        """100,000 training conversations: no turn of theirs asks what a held-out question asks."""
        asked = set()
        rng = random.Random(11)
        for _ in range(100_000):
            talk = training_conversation(rng)
            turns = contents(talk.messages)
            answers = [m for m in talk.messages if m["role"] == "assistant"]
            asked.update((t, a["content"]) for t, a in zip(turns, answers) if a["content"])
        for row in held_out_questions(2026, 200):
            if row["task"] in ("follow_up", "tool_call", "tool_answer"):
                continue  # what they ask lies in earlier turns or in the tool's answer; the next test covers them
            self.assertFalse((contents(row["messages"])[-1], row["expected"]) in asked, row["id"])

    def test_contents_are_split_by_hash(self):
        """The content of a question, not its wording, decides: over many draws the two key sets of a task never meet."""
        for name, make in conversations.PLAIN.items():
            rng = random.Random(5)
            trained = {make(rng, False).key for _ in range(20_000)}
            held = {make(rng, True).key for _ in range(500)}
            self.assertFalse(trained & held, name)
        rng = random.Random(6)
        for held_out in (False, True):
            calls = [json.dumps(r.call["arguments"]) for _ in range(3000) for r in conversations.tool_request(rng, held_out)]
            for call in calls:
                self.assertEqual(is_held_out("tool", call, 12), held_out)

    def test_answers_are_right(self):
        for row in held_out_questions(7, 100):
            text = contents(row["messages"])[-1]
            if row["task"] in ("addition", "subtraction"):
                left, right = row["expected"].split(" = ")
                self.assertEqual(eval(left, {"__builtins__": {}}), int(right))
            if row["task"] == "reverse_word":
                self.assertIn(row["expected"][::-1], text)
            if row["task"] == "sort_words":
                words = row["expected"].split(", ")
                self.assertEqual(words, sorted(words))
                self.assertTrue(all(w in text for w in words))
            if row["task"] == "extract_json":
                for value in json.loads(row["expected"]).values():
                    self.assertIn(str(value), text)

    def test_held_out_questions_are_many_and_distinct(self):
        rows = held_out_questions(2026, 200)
        count = collections.Counter(row["task"] for row in rows)
        self.assertEqual(count, {task: 200 for task in TASKS})
        self.assertEqual(len({row["id"] for row in rows}), len(rows))


class rendering(unittest.TestCase):
    def setUp(self):
        try:
            import transformers
        except ImportError:
            self.skipTest("transformers is not installed")
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(HERE)

    def test_text_and_ids_equal_the_chat_template(self):
        rng = random.Random(8)
        for i in range(1500):
            talk = compose(rng, TASKS[i % len(TASKS)], i % 3 == 0, False)
            parts = [text for text, _ in segments(talk)]
            reference = self.tokenizer.apply_chat_template(talk.messages, tools=talk.tools, tokenize=False)
            self.assertEqual("".join(parts), reference)
            ids = [i for part in parts for i in self.tokenizer(part)["input_ids"]]
            self.assertEqual(ids, self.tokenizer(reference)["input_ids"])
            prompt = self.tokenizer.apply_chat_template(talk.messages[:-1], tools=talk.tools, tokenize=False,
                                                        add_generation_prompt=True, enable_thinking=talk.thinking)
            self.assertEqual("".join(parts[:-2]), prompt)


if __name__ == "__main__":
    unittest.main()
