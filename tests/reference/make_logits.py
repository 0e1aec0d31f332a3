#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/reference/logits/*.json: what transformers computes in fp32 for small random models.

The weights are not stored. Both this script and tests/integration/reference_models.hpp draw them from the
same integer hash, as small integers times a power of two, so that they are exact in fp32, bf16 and fp16.

    python3 -m venv venv && venv/bin/pip install torch transformers numpy
    venv/bin/python tests/reference/make_logits.py            # writes the files
    venv/bin/python tests/reference/make_logits.py --check    # compares them with a new run
    venv/bin/python tests/reference/make_logits.py --save DIR # writes the checkpoints themselves, too
"""

import argparse
import json
import math
import pathlib
import re

import numpy as np
import torch
import transformers

MASK = (1 << 64) - 1


def mixed_bits(counter):
    """SplitMix64's output function, over an array of counters."""
    z = counter * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def name_hash(name):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def drawn(name, count, least, most, exponent):
    """Element i: (least + hash mod (most - least + 1)) * 2^exponent."""
    with np.errstate(over="ignore"):
        counters = np.uint64(name_hash(name)) + np.arange(count, dtype=np.uint64)
        bits = mixed_bits(counters) >> np.uint64(32)
    steps = bits % np.uint64(most - least + 1)
    return ((steps.astype(np.int64) + least) * math.ldexp(1.0, exponent)).astype(np.float32)


def matrix_rule(in_features, gain):
    """Uniform integers of -127 to 127, whose deviation is about 73.3, scaled to about gain / sqrt(in_features)."""
    exponent = round(math.log2(gain / math.sqrt(in_features) / 73.3))
    return {"least": -127, "most": 127, "exponent": exponent}


def tensor_rules(hidden, query_width, ffn, tied, has_bias):
    layer = "model.layers.*."
    norm = {"least": 48, "most": 255, "exponent": -7}  # 0.375 to 2: no weight may be dropped unseen
    rules = {
        # Mean square near 3e-4: the norm's epsilon is seen.
        "model.embed_tokens.weight": {"least": -127, "most": 127, "exponent": -12},
        "model.norm.weight": norm,
        layer + "input_layernorm.weight": norm,
        layer + "post_attention_layernorm.weight": norm,
        # Scores of several units: attention is far from uniform.
        layer + "self_attn.q_proj.weight": matrix_rule(hidden, 1.4),
        layer + "self_attn.k_proj.weight": matrix_rule(hidden, 1.4),
        layer + "self_attn.v_proj.weight": matrix_rule(hidden, 1.0),
        layer + "self_attn.o_proj.weight": matrix_rule(query_width, 0.5),
        layer + "mlp.gate_proj.weight": matrix_rule(hidden, 1.4),
        layer + "mlp.up_proj.weight": matrix_rule(hidden, 1.4),
        layer + "mlp.down_proj.weight": matrix_rule(ffn, 0.5),
    }
    if has_bias:
        for part in ("q_proj", "k_proj", "v_proj"):
            rules[f"{layer}self_attn.{part}.bias"] = {"least": -127, "most": 127, "exponent": -7}
    else:
        rules[layer + "self_attn.q_norm.weight"] = {"least": 48, "most": 255, "exponent": -6}
        rules[layer + "self_attn.k_norm.weight"] = norm
    if not tied:
        rules["lm_head.weight"] = {"least": -127, "most": 127, "exponent": -9}
    return rules


def rule_of(rules, name):
    return rules[re.sub(r"\.\d+\.", ".*.", name)]


# The factor is given and is not max_position_embeddings / original_max_position_embeddings = 8: a reader that
# derives it is wrong.
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
YARN_ALL = dict(YARN, factor=2.5, attention_factor=1.3, beta_fast=4.0, beta_slow=0.5)

# name, family, hidden, layers, query heads, kv heads, head_dim (None: left out), ffn, tied, rope
MODELS = [
    ("qwen3_group2_dim128_tied", "qwen3", 128, 3, 4, 2, 128, 192, True, {"rope_theta": 1e6}),
    ("qwen3_group4_dim64_yarn", "qwen3", 160, 2, 8, 2, 64, 224, False, dict(YARN, rope_theta=1e4)),
    ("qwen3_group6_dim64_tied", "qwen3", 192, 2, 12, 2, 64, 160, True, {"rope_theta": 1e4}),
    ("qwen3_group7_dim128", "qwen3", 128, 2, 14, 2, 128, 96, False, {"rope_theta": 1e6}),
    ("qwen2_group2_dim64", "qwen2", 256, 3, 4, 2, None, 320, False, {"rope_theta": 1e4}),
    ("qwen2_group4_dim128_tied_yarn", "qwen2", 192, 2, 8, 2, 128, 256, True, dict(YARN_ALL, rope_theta=1e5)),
    ("qwen2_group6_dim128_tied", "qwen2", 192, 2, 12, 2, 128, 160, True, {"rope_theta": 1e6}),
    ("qwen2_group7_dim64_tied", "qwen2", 896, 2, 14, 2, None, 128, True, {"rope_theta": 1e6}),
]
VOCABULARY = 128


def make_model(entry):
    name, family, hidden, layers, heads, kv_heads, head_dim, ffn, tied, rope = entry
    kind = {"qwen2": transformers.Qwen2Config, "qwen3": transformers.Qwen3Config}[family]
    keys = dict(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv_heads,
        intermediate_size=ffn, vocab_size=VOCABULARY, tie_word_embeddings=tied, rms_norm_eps=1e-5,
        max_position_embeddings=256, rope_parameters=dict(rope), bos_token_id=None, eos_token_id=3,
        dtype="float32", attn_implementation="eager", use_sliding_window=False)
    if "rope_type" not in rope:
        keys["rope_parameters"]["rope_type"] = "default"
    if head_dim is not None:
        keys["head_dim"] = head_dim
    config = kind(**keys)
    rules = tensor_rules(hidden, heads * (head_dim or hidden // heads), ffn, tied, family == "qwen2")

    classes = {"qwen2": transformers.Qwen2ForCausalLM, "qwen3": transformers.Qwen3ForCausalLM}
    model = classes[family](config).to(torch.float32).eval()
    parameters = dict(model.named_parameters())
    for tensor_name, parameter in parameters.items():
        values = drawn(tensor_name, parameter.numel(), **rule_of(rules, tensor_name))
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))
    assert len({re.sub(r"\.\d+\.", ".*.", n) for n in parameters}) == len(rules), "a rule has no tensor"
    return model, rules


def reference(entry):
    name, rope = entry[0], entry[-1]
    model, rules = make_model(entry)
    length = 120 if "rope_type" in rope else 48  # YaRN: well beyond the 32 original positions
    ids = [int(x) % VOCABULARY for x in mixed_bits(np.uint64(name_hash(name)) + np.arange(length, dtype=np.uint64))]
    positions = sorted({0, 1, 2, 15, 16, 31, 33, length // 2, length - 17, length - 1})
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    config = json.loads(model.config.to_json_string(use_diff=False))
    kept = ("model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
            "intermediate_size", "vocab_size", "tie_word_embeddings", "rms_norm_eps", "max_position_embeddings",
            "rope_theta", "rope_parameters", "rope_scaling", "hidden_act", "attention_bias", "use_sliding_window",
            "layer_types", "dtype", "torch_dtype", "eos_token_id")
    return model, {
        "name": name,
        "made_with": {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0]},
        "config": {key: config[key] for key in kept if key in config},
        "tensors": rules,
        "ids": ids,
        "positions": positions,
        "logits": [[float(f"{float(x):.9g}") for x in logits[p]] for p in positions],
    }


def text_of(result):
    """One key a line, one row of logits a line."""
    lines = [f'  "{key}": {json.dumps(value)}' for key, value in result.items() if key != "logits"]
    rows = ",\n".join("    " + json.dumps(row, separators=(",", ":")) for row in result["logits"])
    lines.append(f'  "logits": [\n{rows}\n  ]')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the stored files and write nothing")
    parser.add_argument("--save", type=pathlib.Path, help="also save each checkpoint under this directory")
    arguments = parser.parse_args()
    folder = pathlib.Path(__file__).resolve().parent / "logits"
    torch.manual_seed(0)
    worst = 0.0
    for entry in MODELS:
        model, result = reference(entry)
        path = folder / (result["name"] + ".json")
        if arguments.save:
            model.save_pretrained(arguments.save / result["name"])
        if arguments.check:
            stored = np.array(json.loads(path.read_text())["logits"])
            error = np.abs(stored - np.array(result["logits"])).max() / np.abs(stored).max()
            worst = max(worst, error)
            print(f"{result['name']}: relative difference {error:.2e}")
        else:
            path.write_text(text_of(result))
            rows = np.array(result["logits"])
            print(f"{result['name']}: largest logit {np.abs(rows).max():.3f}, deviation {rows.std():.3f}")
    return 1 if worst > 1e-5 else 0


if __name__ == "__main__":
    raise SystemExit(main())
