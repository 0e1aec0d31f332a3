#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes expected_ids.jsonl: what transformers generates greedily in float32 for held-out questions.

One line a question: {"id", "prompt": [ids of the rendered prompt], "greedy": [ids generated, the stop id last]}. Weights are
the bf16 ones widened to float32, TF32 is off, at most 256 new tokens. Prompts of one length are decoded together, so nothing
is padded. Needs torch and transformers; the CPU is enough.
"""

import argparse
import collections
import json
import pathlib
import sys

import torch
import transformers

import score
from evaluate import prompt_ids

HERE = pathlib.Path(__file__).parent
MOST_NEW = 256


def chosen_questions(questions: list, count: int) -> list:
    """The first questions of every task in turn, so that each task is there."""
    by_task = collections.defaultdict(list)
    for question in questions:
        by_task[question["task"]].append(question)
    share = -(-count // len(by_task))
    return [q for task in by_task.values() for q in task[:share]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=pathlib.Path, default=HERE)
    parser.add_argument("--questions", type=int, default=1120)
    parser.add_argument("--rows", type=int, default=32, help="prompts decoded together at most")
    arguments = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.directory)
    model = transformers.AutoModelForCausalLM.from_pretrained(arguments.directory, dtype=torch.float32).eval()
    questions = chosen_questions(score.read_lines(HERE / "heldout.jsonl"), arguments.questions)
    prompts = {q["id"]: prompt_ids(tokenizer, q) for q in questions}
    by_length = collections.defaultdict(list)
    for name, prompt in prompts.items():
        by_length[len(prompt)].append(name)
    stop, found = set(model.generation_config.eos_token_id), {}
    for length, names in sorted(by_length.items()):
        for start in range(0, len(names), arguments.rows):
            rows = names[start:start + arguments.rows]
            ids = torch.tensor([prompts[name] for name in rows])
            out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=MOST_NEW)[:, length:].tolist()
            for name, new in zip(rows, out):
                end = next((i + 1 for i, token in enumerate(new) if token in stop), len(new))
                found[name] = new[:end]
    with open(arguments.directory / "expected_ids.jsonl", "w", encoding="utf-8") as lines:
        for name, prompt in prompts.items():
            lines.write(json.dumps({"id": name, "prompt": prompt, "greedy": found[name]}, separators=(",", ":")) + "\n")
    print(f"{len(prompts)} prompts, {sum(map(len, found.values()))} new ids", file=sys.stderr)


if __name__ == "__main__":
    main()
