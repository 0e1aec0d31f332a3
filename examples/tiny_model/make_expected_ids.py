#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes expected_ids.jsonl: what transformers generates greedily in float32 for held-out questions.

One line a question: {"id", "prompt": [ids of the rendered prompt], "greedy": [ids generated, the stop id last]}. Weights are
the bf16 ones widened to float32, TF32 is off, at most 256 new ids. The answer that the generator has in mind is a proposal:
one forward pass shows whether each of its ids is the best one after those before it, which is what greedy decoding means;
from the first one that is not, `generate` goes on. Needs torch and transformers; the CPU is enough.
"""

import argparse
import json
import pathlib
import sys

import torch
import transformers

import score
from conversations import held_out_conversations, segments
from evaluate import prompt_ids

HERE = pathlib.Path(__file__).parent
MOST_NEW = 256


def proposals(tokenizer, for_each: int) -> list:
    """(question, prompt ids, proposed ids) of the first `for_each` questions of every task of heldout.jsonl."""
    stored, out = {q["id"]: q for q in score.read_lines(HERE / "heldout.jsonl")}, []
    for question, talk in held_out_conversations(2026, 200):
        if stored[question["id"]] != question:
            raise SystemExit(f"heldout.jsonl, {question['id']}: expected the generator's question, found another; write the file anew")
        if int(question["id"].rsplit("-", 1)[1]) < for_each:
            answer = segments(talk)[-2][0]
            out.append((question, prompt_ids(tokenizer, question), tokenizer(answer)["input_ids"]))
    return out


@torch.no_grad()
def greedy(model, prompt: list, proposed: list):
    """Returns (greedy ids, the smallest distance of the two best logits)."""
    logits = model(torch.tensor([prompt + proposed])).logits[0, len(prompt) - 1:-1]
    best = logits.topk(2).values
    gaps, agree = best[:, 0] - best[:, 1], logits.argmax(-1) == torch.tensor(proposed)
    if bool(agree.all()):
        return proposed, gaps.min().item()
    kept = int(agree.int().argmin())
    ids = torch.tensor([prompt + proposed[:kept]])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=MOST_NEW - kept)
    return out[0, len(prompt):].tolist(), gaps[:kept + 1].min().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=pathlib.Path, default=HERE)
    parser.add_argument("--for-each", type=int, default=70, help="questions of each task")
    arguments = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.directory)
    model = transformers.AutoModelForCausalLM.from_pretrained(arguments.directory, dtype=torch.float32).eval()
    lines, gaps, differ, count = [], [], 0, 0
    for question, prompt, proposed in proposals(tokenizer, arguments.for_each):
        ids, gap = greedy(model, prompt, proposed)
        differ += ids != proposed
        count += len(ids)
        gaps.append(gap)
        lines.append(json.dumps({"id": question["id"], "prompt": prompt, "greedy": ids}, separators=(",", ":")) + "\n")
    (arguments.directory / "expected_ids.jsonl").write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines)} prompts, {count} new ids, {differ} other than the generator's answer; the two best logits are "
          f"at least {min(gaps):.2g} apart, under 0.01 in {sum(g < 0.01 for g in gaps)} prompts", file=sys.stderr)


if __name__ == "__main__":
    main()
