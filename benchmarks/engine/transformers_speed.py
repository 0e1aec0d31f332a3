#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What transformers does with the same shapes on the same GPU: the figures beside those of benchmarks/engine/speed_*.

    python3 benchmarks/engine/transformers_speed.py Qwen3-1.7B [--decode 1:512,8:1024,64:1024] [--prefill 512,2048,8192]

Random bf16 weights. Decode: static cache, torch.compile with CUDA graphs (mode "reduce-overhead"), greedy, wall clock
over --tokens steps, the median. Prefill: one forward pass of the prompt, the last token's logits, argmax on the host,
the median of 5. JSON lines. Everything is compiled before anything is measured, which takes a minute.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import torch
import transformers

SHAPES = {
    "Qwen3-1.7B": ("Qwen3", dict(hidden_size=2048, num_hidden_layers=28, num_attention_heads=16, num_key_value_heads=8,
                                 head_dim=128, intermediate_size=6144, vocab_size=151936, tie_word_embeddings=True)),
    "Qwen2.5-7B": ("Qwen2", dict(hidden_size=3584, num_hidden_layers=28, num_attention_heads=28, num_key_value_heads=4,
                                 intermediate_size=18944, vocab_size=152064, tie_word_embeddings=False)),
}


def clocks():
    query = ["nvidia-smi", "--query-gpu=clocks.sm,clocks.mem", "--format=csv,noheader,nounits"]
    sm, memory = subprocess.run(query, capture_output=True, text=True).stdout.split(",")
    return {"device": torch.cuda.get_device_name(), "sm_mhz": int(sm), "memory_mhz": int(memory),
            "date": time.strftime("%F", time.gmtime()), "commit": os.environ.get("TENON_COMMIT", "unknown"),
            "torch": torch.__version__, "transformers": transformers.__version__}


def make_model(name):
    family, keys = SHAPES[name]
    config = getattr(transformers, family + "Config")(max_position_embeddings=32768, **keys)
    with torch.device("cuda"):
        return transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()


def median(values):
    return sorted(values)[len(values) // 2]


def prefill(model, length, repeats=5):
    times = []
    for i in range(repeats + 1):
        ids = torch.randint(0, 150000, (1, length), device="cuda")
        torch.cuda.synchronize()
        start = time.perf_counter()
        int(model(ids, use_cache=True, logits_to_keep=1).logits[0, -1].argmax())
        if i > 0:
            times.append(time.perf_counter() - start)
    return {"length": length, "median_ms": median(times) * 1e3}


class Decode:
    """The loop that users are told to write: static cache, the forward pass compiled, CUDA graphs."""

    def __init__(self, model, rows, context, tokens):
        self.rows, self.context, self.tokens = rows, context, tokens
        self.cache = transformers.StaticCache(config=model.config, max_cache_len=context + tokens + 32)
        ids = torch.randint(0, 150000, (rows, context), device="cuda")
        self.next_id = model(ids, past_key_values=self.cache, logits_to_keep=1).logits[:, -1:].argmax(-1)
        self.step = torch.compile(model.forward, mode="reduce-overhead", fullgraph=True, dynamic=False)
        for _ in range(4):  # compiled, recorded and replayed
            self.run_one()

    def run_one(self):
        torch.compiler.cudagraph_mark_step_begin()
        logits = self.step(self.next_id, past_key_values=self.cache).logits
        self.next_id = logits[:, -1:].argmax(-1).clone()

    def measure(self):
        times = []
        for _ in range(self.tokens):
            torch.cuda.synchronize()
            start = time.perf_counter()
            self.run_one()
            torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        middle = median(times)
        return {"rows": self.rows, "context": self.context, "median_ms": middle * 1e3, "tokens_s": self.rows / middle}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=SHAPES)
    parser.add_argument("--decode", default="1:512,8:1024,64:1024")
    parser.add_argument("--prefill", default="512,2048,8192")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--start-when", metavar="FILE", help="compile at once, but measure when FILE is there")
    options = parser.parse_args()
    model = make_model(options.model)
    with torch.no_grad():
        runs = []
        for part in filter(None, options.decode.split(",")):
            try:
                runs.append(Decode(model, *map(int, part.split(":")), options.tokens))
            except Exception as failure:  # one of several configurations
                print(f"{part}: {failure}", file=sys.stderr)
        print(f"compiled after {time.process_time():.0f} s of processor time", file=sys.stderr, flush=True)
        while options.start_when and not pathlib.Path(options.start_when).exists():
            time.sleep(0.1)
        for length in filter(None, options.prefill.split(",")):
            print(json.dumps({"benchmark": "transformers/prefill", "model": options.model,
                              **prefill(model, int(length)), **clocks()}), flush=True)
        for run in runs:
            print(json.dumps({"benchmark": "transformers/decode", "model": options.model,
                              **run.measure(), **clocks()}), flush=True)


if __name__ == "__main__":
    main()
