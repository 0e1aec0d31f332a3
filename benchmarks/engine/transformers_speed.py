#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What transformers does with the same shapes on the same GPU: the figures beside those of benchmarks/engine/speed_*.

    python3 benchmarks/engine/transformers_speed.py Qwen3-1.7B [--decode 1:512,8:1024,64:1024] [--prefill 512,2048,8192]

Random bf16 weights. Decode: static cache, torch.compile with CUDA graphs (mode "reduce-overhead"), greedy, wall clock
over --tokens steps. Prefill: one forward pass of the prompt, the last token's logits, argmax on the host. JSON lines.
"""

import argparse
import json
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


def decode(model, rows, context, tokens):
    """The loop that users are told to write: static cache, the forward pass compiled, CUDA graphs."""
    cache = transformers.StaticCache(config=model.config, max_cache_len=context + tokens + 16)
    ids = torch.randint(0, 150000, (rows, context), device="cuda")
    position = torch.arange(context, device="cuda")
    next_id = model(ids, past_key_values=cache, cache_position=position, logits_to_keep=1).logits[:, -1:].argmax(-1)
    step = torch.compile(model.forward, mode="reduce-overhead", fullgraph=True)
    times = []
    for i in range(tokens):
        position = torch.tensor([context + i], device="cuda")
        torch.cuda.synchronize()
        start = time.perf_counter()
        logits = step(next_id, past_key_values=cache, cache_position=position).logits
        next_id = logits[:, -1:].argmax(-1).clone()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    middle = median(times[10:])
    return {"rows": rows, "context": context, "median_ms": middle * 1e3, "tokens_s": rows / middle}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=SHAPES)
    parser.add_argument("--decode", default="1:512,8:1024,64:1024")
    parser.add_argument("--prefill", default="512,2048,8192")
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    model = make_model(options.model)
    with torch.no_grad():
        for length in filter(None, options.prefill.split(",")):
            print(json.dumps({"benchmark": "transformers/prefill", "model": options.model,
                              **prefill(model, int(length)), **clocks()}), flush=True)
        for part in filter(None, options.decode.split(",")):
            rows, context = map(int, part.split(":"))
            try:
                print(json.dumps({"benchmark": "transformers/decode", "model": options.model,
                                  **decode(model, rows, context, options.tokens), **clocks()}), flush=True)
            except Exception as failure:  # one of several configurations
                print(f"{part}: {failure}", file=sys.stderr)
            torch.compiler.reset()


if __name__ == "__main__":
    main()
