# SPDX-License-Identifier: Apache-2.0
"""The tiny model's architecture (Qwen3) for training, its greedy decoder for scoring, and its Hugging Face layout.

Weights of one shape are stacked, so that the optimizer treats a shape as one batch: `square` holds q and o of every layer,
`narrow` k and v, `wide` gate, up and down (the last transposed).
"""

import inspect
import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file


class shape:
    """The numbers of config.json."""

    def __init__(self, config: dict):
        self.hidden, self.layers, self.vocabulary = config["hidden_size"], config["num_hidden_layers"], config["vocab_size"]
        self.q_heads, self.kv_heads, self.head = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
        self.ffn, self.eps, self.theta = config["intermediate_size"], config["rms_norm_eps"], config["rope_theta"]
        if self.q_heads * self.head != self.hidden:
            raise ValueError(f"q and o are stacked: expected {self.hidden} = {self.q_heads} heads x {self.head}")


def read_shape(directory: pathlib.Path) -> shape:
    return shape(json.loads((directory / "config.json").read_text()))


def rms_norm(x, weight, eps):
    """Qwen's order: float32 up to the division, back to the input type, then the weight."""
    return F.rms_norm(x.float(), (x.shape[-1],), eps=eps).to(x.dtype) * weight.to(x.dtype)


def rotary(positions, s: shape):
    frequencies = s.theta ** (-torch.arange(0, s.head, 2, device=positions.device, dtype=torch.float32) / s.head)
    angles = positions.float()[..., None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """x [..., heads, head]; cos, sin [..., 1, head / 2]. NeoX style: first and second half."""
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


class network(torch.nn.Module):
    """One flat stream of tokens in which `borders` separates the conversations."""

    def __init__(self, s: shape, attention):
        super().__init__()
        self.s, self.attention = s, attention
        def normal(*size, scale):
            return torch.nn.Parameter(torch.randn(*size) * scale)
        n, h, kv, f = s.layers, s.hidden, s.kv_heads * s.head, s.ffn
        self.embedding = normal(s.vocabulary, h, scale=0.02)
        self.square, self.narrow, self.wide = normal(2 * n, h, h, scale=h**-0.5), normal(2 * n, kv, h, scale=h**-0.5), normal(3 * n, f, h, scale=h**-0.5)
        with torch.no_grad():
            self.square[n:].zero_()   # o: a layer starts as the identity
            self.wide[2 * n:].zero_()  # down
        self.norms = torch.nn.Parameter(torch.ones(2 * n + 1, h))
        self.head_norms = torch.nn.Parameter(torch.ones(2 * n, s.head))

    def hidden_states(self, ids, positions, borders):
        s, n, half = self.s, self.s.layers, torch.bfloat16 if ids.is_cuda else torch.float32
        square, narrow, wide = self.square.to(half).unbind(0), self.narrow.to(half).unbind(0), self.wide.to(half).unbind(0)
        norms, head_norms = self.norms.unbind(0), self.head_norms.unbind(0)
        cos, sin = (t[:, None] for t in rotary(positions, s))
        x = self.embedding[ids].to(half)
        for i in range(n):
            y = rms_norm(x, norms[i], s.eps)
            qkv = F.linear(y, torch.cat((square[i], narrow[i], narrow[n + i])))
            q, k, v = (t.unflatten(-1, (-1, s.head)) for t in qkv.split((s.hidden, s.kv_heads * s.head, s.kv_heads * s.head), -1))
            q, k = rotate(rms_norm(q, head_norms[i], s.eps), cos, sin), rotate(rms_norm(k, head_norms[n + i], s.eps), cos, sin)
            x = x + F.linear(self.attention(q, k, v.contiguous(), borders).flatten(-2), square[n + i])
            y = rms_norm(x, norms[n + i], s.eps)
            gate, up = F.linear(y, torch.cat((wide[i], wide[n + i]))).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, wide[2 * n + i].t())
        return rms_norm(x, norms[2 * n], s.eps)

    def forward(self, ids, positions, borders, at, targets):
        """Mean cross entropy of `targets` (negative: none) predicted at the stream positions `at`."""
        x = self.hidden_states(ids, positions, borders)[at]
        logits = F.linear(x, self.embedding.to(x.dtype)).float()
        return F.cross_entropy(logits, targets, ignore_index=-100)

    def tensors(self) -> dict:
        """The weights under Hugging Face's names, bf16."""
        n, out = self.s.layers, {"model.embed_tokens.weight": self.embedding, "model.norm.weight": self.norms[2 * self.s.layers]}
        for i in range(n):
            layer = f"model.layers.{i}."
            out |= {layer + "self_attn.q_proj.weight": self.square[i], layer + "self_attn.o_proj.weight": self.square[n + i],
                    layer + "self_attn.k_proj.weight": self.narrow[i], layer + "self_attn.v_proj.weight": self.narrow[n + i],
                    layer + "mlp.gate_proj.weight": self.wide[i], layer + "mlp.up_proj.weight": self.wide[n + i],
                    layer + "mlp.down_proj.weight": self.wide[2 * n + i].t(), layer + "input_layernorm.weight": self.norms[i],
                    layer + "post_attention_layernorm.weight": self.norms[n + i],
                    layer + "self_attn.q_norm.weight": self.head_norms[i], layer + "self_attn.k_norm.weight": self.head_norms[n + i]}
        return {name: t.detach().to(torch.bfloat16).contiguous() for name, t in out.items()}

    def save(self, directory: pathlib.Path) -> None:
        save_file({k: t.cpu() for k, t in self.tensors().items()}, directory / "model.safetensors", metadata={"format": "pt"})


# Attention of the training stream: `borders` are the cumulative lengths, repeated at the end up to a fixed count ------------

LONGEST = 1024


def masked_attention(q, k, v, borders):
    """Reference for the CPU: a dense mask, so only for short streams."""
    row = torch.bucketize(torch.arange(q.shape[0], device=q.device), borders, right=True)
    mask = (row[:, None] == row[None]).tril()
    k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], 1) for t in (k, v))
    out = F.scaled_dot_product_attention(q.transpose(0, 1)[None], k.transpose(0, 1)[None], v.transpose(0, 1)[None], attn_mask=mask)
    return out[0].transpose(0, 1)


def varlen_attention(q, k, v, borders):
    from torch.nn.attention.varlen import varlen_attn
    names = inspect.signature(varlen_attn).parameters
    causal = {"is_causal": True} if "is_causal" in names else {"window_size": (-1, 0)}
    if "enable_gqa" in names:
        causal["enable_gqa"] = True
    else:
        k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], 1) for t in (k, v))
    return varlen_attn(q, k, v, borders, borders, LONGEST, LONGEST, **causal)


def aten_attention(q, k, v, borders):
    k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], 1) for t in (k, v))
    return torch.ops.aten._flash_attention_forward(q, k, v, borders, borders, LONGEST, LONGEST, 0.0, True, False)[0]


def choose_attention(device: str):
    """The first kernel whose output and gradient agree with the reference on this device."""
    if device == "cpu":
        return masked_attention
    borders = torch.tensor([0, 5, 64, 200, 256, 256, 256], dtype=torch.int32, device=device)
    inputs = [torch.randn(256, heads, 64, device=device, dtype=torch.bfloat16, requires_grad=True) for heads in (4, 2, 2)]
    expected = masked_attention(*inputs, borders)
    gradients = torch.autograd.grad(expected.float().square().sum(), inputs)
    for kernel in (varlen_attention, aten_attention):
        try:
            found = kernel(*inputs, borders)
            got = torch.autograd.grad(found.float().square().sum(), inputs)
            errors = [(a - b).abs().max().item() for a, b in zip((found, *got), (expected, *gradients))]
        except Exception as error:  # a missing operator or another signature: try the next
            print(f"{kernel.__name__}: {str(error).splitlines()[0]}")
            continue
        print(f"{kernel.__name__}: largest differences {errors}")
        if max(errors) < 0.2:
            return kernel
    raise SystemExit("no attention kernel works on this device")


# Greedy decoding for the score -------------------------------------------------------------------------------------------

class greedy_decoder:
    """Batched greedy decoding in float32 of weights that are rounded to bf16, as every user of the checkpoint has them."""

    def __init__(self, s: shape, tensors: dict, device: str):
        self.s, self.device = s, device
        self.w = {k: t.to(device).float() for k, t in tensors.items()}

    @torch.no_grad()
    def step(self, ids, positions, cache, length):
        """ids, positions [rows, n]; keys and values are written at `positions`. Returns logits of every position's last row."""
        s, w, rows = self.s, self.w, torch.arange(ids.shape[0], device=self.device)[:, None]
        cos, sin = (t[:, :, None] for t in rotary(positions, s))
        mask = (torch.arange(length, device=self.device)[None, None] <= positions[:, :, None])[:, None]
        x = w["model.embed_tokens.weight"][ids]
        for i in range(s.layers):
            p = f"model.layers.{i}."
            y = rms_norm(x, w[p + "input_layernorm.weight"], s.eps)
            q, k, v = (F.linear(y, w[p + f"self_attn.{name}_proj.weight"]).unflatten(-1, (-1, s.head)) for name in "qkv")
            q = rotate(rms_norm(q, w[p + "self_attn.q_norm.weight"], s.eps), cos, sin)
            k = rotate(rms_norm(k, w[p + "self_attn.k_norm.weight"], s.eps), cos, sin)
            cache[i, 0][rows, positions], cache[i, 1][rows, positions] = k, v
            keys, values = (c[:, :length].repeat_interleave(s.q_heads // s.kv_heads, 2).transpose(1, 2) for c in cache[i])
            y = F.scaled_dot_product_attention(q.transpose(1, 2), keys, values, attn_mask=mask).transpose(1, 2).flatten(-2)
            x = x + F.linear(y, w[p + "self_attn.o_proj.weight"])
            y = rms_norm(x, w[p + "post_attention_layernorm.weight"], s.eps)
            y = F.silu(F.linear(y, w[p + "mlp.gate_proj.weight"])) * F.linear(y, w[p + "mlp.up_proj.weight"])
            x = x + F.linear(y, w[p + "mlp.down_proj.weight"])
        return x

    @torch.no_grad()
    def generate(self, prompts: list, stop: set, most: int, rows: int = 400) -> list:
        """The ids after each prompt, up to and without the first stop id."""
        order, out = sorted(range(len(prompts)), key=lambda i: len(prompts[i])), [None] * len(prompts)
        for start in range(0, len(order), rows):
            chosen = order[start:start + rows]
            for i, ids in zip(chosen, self.generate_batch([prompts[i] for i in chosen], stop, most)):
                out[i] = ids
        return out

    def generate_batch(self, prompts, stop, most):
        s, longest = self.s, max(map(len, prompts))
        ids = torch.zeros(len(prompts), longest, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids[row, :len(prompt)] = torch.tensor(prompt)
        ids, lengths = ids.to(self.device), torch.tensor([len(p) for p in prompts], device=self.device)
        cache = torch.zeros(s.layers, 2, len(prompts), longest + most, s.kv_heads, s.head, device=self.device)
        positions = torch.arange(longest, device=self.device)[None].expand_as(ids)
        x = self.step(ids, positions, cache, longest)
        x = x.gather(1, (lengths - 1)[:, None, None].expand(-1, 1, s.hidden))
        done, found = torch.zeros(len(prompts), dtype=torch.bool, device=self.device), []
        stops = torch.tensor(sorted(stop), device=self.device)
        for n in range(most):
            x = rms_norm(x, self.w["model.norm.weight"], s.eps)
            token = F.linear(x, self.w["model.embed_tokens.weight"]).argmax(-1)
            found.append(token[:, 0])
            done |= torch.isin(token[:, 0], stops)
            if n % 8 == 7 and bool(done.all()):
                break
            x = self.step(token, (lengths + n)[:, None], cache, longest + n + 1)
        rows = torch.stack(found, 1).tolist()
        return [row[:next((i for i, t in enumerate(row) if t in stop), len(row))] for row in rows]


def load_decoder(directory: pathlib.Path, device: str) -> greedy_decoder:
    return greedy_decoder(read_shape(directory), load_file(directory / "model.safetensors"), device)
