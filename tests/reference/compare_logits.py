#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares tenon's GPU logits with transformers' on random weights at a published model's exact shape.

    python3 tests/reference/compare_logits.py MODEL PROGRAM [--prompts 64] [--longest 4096] [--long 32768 ...]

MODEL is one of the names below, PROGRAM the built tests/reference/prompt_logits_<model>. Needs a GPU, torch and
transformers. A checkpoint is made in the Hugging Face layout (in --work, 2 bytes a weight), then for every prompt:

    KL = mean over all positions of KL(p || q), p = transformers in fp32 (TF32 off), q = tenon or transformers in bf16

and, for each length of --long, the last token's logits of tenon against transformers' in bf16. Prints JSON lines and
exits with 1 if tenon's KL is more than 1.1 times that of transformers' own bf16.

The weights are drawn so that attention is far from uniform and no term can be left out unseen: queries and keys give
scores of several units, norm weights differ from 1, biases are of the size of what they are added to.
"""

import argparse
import json
import math
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
import torch
import transformers

# hidden, layers, query heads, kv heads, head_dim, ffn, vocabulary, tied
SHAPES = {
    "Qwen3-0.6B": ("qwen3", 1024, 28, 16, 8, 128, 3072, 151936, True),
    "Qwen3-1.7B": ("qwen3", 2048, 28, 16, 8, 128, 6144, 151936, True),
    "Qwen2.5-0.5B": ("qwen2", 896, 24, 14, 2, 64, 4864, 151936, True),
    "Qwen2.5-1.5B": ("qwen2", 1536, 28, 12, 2, 128, 8960, 151936, True),
    "Qwen2.5-7B": ("qwen2", 3584, 28, 28, 4, 128, 18944, 152064, False),
}


def make_config(name, yarn):
    family, hidden, layers, heads, kv_heads, head_dim, ffn, vocabulary, tied = SHAPES[name]
    rope = {"rope_theta": 1e6, "rope_type": "default"}
    if yarn:
        rope = {"rope_theta": 1e6, "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
    keys = dict(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv_heads,
        intermediate_size=ffn, vocab_size=vocabulary, tie_word_embeddings=tied, rms_norm_eps=1e-6,
        max_position_embeddings=131072 if yarn else 40960, rope_parameters=rope, bos_token_id=151643,
        eos_token_id=151645, dtype="bfloat16", use_sliding_window=False)
    if family == "qwen3":
        return transformers.Qwen3Config(head_dim=head_dim, **keys)
    return transformers.Qwen2Config(**keys)


def draw(model, seed):
    """Overwrites every parameter with values of the sizes that the docstring asks for."""
    random = torch.Generator(device="cuda").manual_seed(seed)

    def fill(tensor, mean, deviation):
        values = torch.empty(tensor.shape, dtype=torch.float32, device="cuda").normal_(mean, deviation, generator=random)
        tensor.copy_(values.to(tensor.dtype))

    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if name.endswith("norm.weight"):
                # The norms of queries and keys set the size of scores: 1.5 * 1.5 * sqrt(head_dim) units.
                fill(tensor, 1.5 if "self_attn" in name else 1.0, 0.25)
            elif name.endswith(".bias"):
                fill(tensor, 0.0, 1.0)
            elif "embed_tokens" in name:
                fill(tensor, 0.0, 1.0 if not model.config.tie_word_embeddings else 2.0 / math.sqrt(tensor.shape[1]))
            else:
                gain = 1.0
                if "q_proj" in name or "k_proj" in name:
                    gain = 1.5
                elif "o_proj" in name or "down_proj" in name:
                    gain = 0.4
                elif "lm_head" in name:
                    gain = 2.0
                fill(tensor, 0.0, gain / math.sqrt(tensor.shape[1]))


def make_checkpoint(name, yarn, directory, seed):
    with torch.device("cuda"):
        model = transformers.AutoModelForCausalLM.from_config(make_config(name, yarn), dtype=torch.bfloat16)
    draw(model, seed)
    model.save_pretrained(directory, max_shard_size="4GB")
    (directory / "generation_config.json").write_text('{"eos_token_id": [151645, 151643]}')
    return model.eval()


def ids_of(length, seed):
    return np.random.default_rng(seed).integers(0, 151643, length)


def chosen_lengths(count, longest):
    """1 to `longest`, evenly spread over the logarithm."""
    spread = [round(math.exp(x)) for x in np.linspace(0, math.log(longest), count)]
    return [max(1, n) for n in spread]


def logits_of(model, ids, last_alone):
    with torch.no_grad():
        out = model(torch.tensor(ids, device="cuda")[None], use_cache=False, logits_to_keep=1 if last_alone else 0)
    return out.logits[0]


def tenon_logits(path, vocabulary):
    return np.memmap(path, dtype=np.float32, mode="r").reshape(-1, vocabulary)


def divergences(reference, other, rows=512):
    """Sum over positions of KL(reference || other), and how often the largest logits agree."""
    total, agree = 0.0, 0
    for i in range(0, reference.shape[0], rows):
        p = torch.log_softmax(reference[i : i + rows].double(), dim=-1)
        q = torch.log_softmax(other[i : i + rows].to("cuda").double(), dim=-1)
        total += (p.exp() * (p - q)).sum().item()
        agree += (p.argmax(-1) == q.argmax(-1)).sum().item()
    return total, agree


def run_program(program, directory, prompts, out, chunk):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    listing = out / "prompts.txt"
    listing.write_text("".join(("last " if last else "") + " ".join(map(str, ids)) + "\n" for ids, last in prompts))
    started = time.time()
    subprocess.run([program, str(directory), str(listing), str(out), str(chunk)], check=True)
    return time.time() - started


def compare_prompts(name, program, directory, out, options):
    vocabulary = SHAPES[name][7]
    lengths = chosen_lengths(options.prompts, options.longest)
    prompts = [(ids_of(n, 1000 + i), False) for i, n in enumerate(lengths)]
    seconds = run_program(program, directory, prompts, out, options.chunk)
    exact = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, device_map="cuda").eval()
    rounded = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16, device_map="cuda").eval()
    sums = {"tenon": [0.0, 0], "transformers": [0.0, 0]}
    positions, entropy = 0, 0.0
    for i, (ids, _) in enumerate(prompts):
        reference = logits_of(exact, ids, False).float()
        for side, values in (("tenon", torch.from_numpy(np.array(tenon_logits(out / f"{i}.f32", vocabulary)))),
                             ("transformers", logits_of(rounded, ids, False))):
            total, agree = divergences(reference, values)
            sums[side][0] += total
            sums[side][1] += agree
        log_p = torch.log_softmax(reference[-1], -1)
        entropy -= (log_p.exp() * log_p).sum().item()
        positions += len(ids)
        (out / f"{i}.f32").unlink()
    del exact, rounded
    torch.cuda.empty_cache()
    result = {
        "comparison": "logits", "model": name, "prompts": len(prompts), "positions": positions,
        "longest": max(lengths), "kl_tenon_bf16": sums["tenon"][0] / positions,
        "kl_transformers_bf16": sums["transformers"][0] / positions,
        "kl_ratio": sums["tenon"][0] / sums["transformers"][0],
        "argmax_tenon": sums["tenon"][1] / positions, "argmax_transformers": sums["transformers"][1] / positions,
        "mean_entropy": entropy / len(prompts), "tenon_seconds": round(seconds, 1)}
    print(json.dumps(result), flush=True)
    return result["kl_ratio"] <= 1.1


def compare_long(name, program, directory, out, options):
    """The last token's logits of long prompts against transformers' in bf16."""
    vocabulary = SHAPES[name][7]
    prompts = [(ids_of(n, n), True) for n in options.long]
    run_program(program, directory, prompts, out, options.chunk)
    rounded = transformers.AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.bfloat16, device_map="cuda", attn_implementation="sdpa").eval()
    for i, (ids, _) in enumerate(prompts):
        theirs = logits_of(rounded, ids, True).float()
        ours = torch.from_numpy(np.array(tenon_logits(out / f"{i}.f32", vocabulary))).to("cuda")
        divergence, agree = divergences(theirs, ours)
        print(json.dumps({
            "comparison": "last token", "model": name, "length": len(ids), "yarn": options.yarn,
            "kl_to_transformers_bf16": divergence, "same_argmax": bool(agree),
            "relative_error": ((ours - theirs).abs().max() / theirs.abs().max()).item()}), flush=True)
    del rounded
    torch.cuda.empty_cache()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=SHAPES)
    parser.add_argument("program")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--longest", type=int, default=4096)
    parser.add_argument("--long", type=int, nargs="*", default=[])
    parser.add_argument("--yarn", action="store_true", help="factor 4 over 32,768 positions")
    parser.add_argument("--chunk", type=int, default=2048, help="tokens of one of tenon's steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/dev/shm/tenon_reference"))
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    directory = options.work / "checkpoint"
    model = make_checkpoint(options.model, options.yarn, directory, options.seed)
    del model
    torch.cuda.empty_cache()
    good = True
    if options.prompts > 0:
        good = compare_prompts(options.model, options.program, directory, options.work / "logits", options)
    if options.long:
        compare_long(options.model, options.program, directory, options.work / "long", options)
    shutil.rmtree(options.work)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
