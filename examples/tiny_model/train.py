#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the tiny model from scratch and writes model.safetensors: `python3 train.py --out DIRECTORY`, five minutes on one H100.

Worker processes generate, tokenize and pack conversations without end, so no conversation is seen twice; the trainer takes a
stream of `--tokens` tokens a step. Muon for the matrices, AdamW for the embedding and the norms; the learning rate follows the
share of the time budget that is used, so a slower machine trains less, not longer. The order in which the workers' streams
arrive differs from run to run: two runs give two models.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import queue
import random
import shutil
import threading
import time

import numpy
import tokenizers
import torch

import evaluate
import score
from conversations import NOT_TRAINED, TRAINED_BUT_FIRST, held_out_questions, segments, training_conversation
from model import LONGEST, choose_attention, greedy_decoder, network, read_shape

HERE = pathlib.Path(__file__).parent


# Data ------------------------------------------------------------------------------------------------------------------

class packer:
    """Packs whole conversations into streams of `tokens` ids; the last piece of a stream is padding that nobody attends to."""

    def __init__(self, tokens: int, seed: str):
        self.tokens, self.rng = tokens, random.Random(seed)
        self.targets, self.pieces = tokens * 9 // 20, tokens // 56
        self.tokenizer = tokenizers.Tokenizer.from_file(str(HERE / "tokenizer.json"))
        self.known, self.waiting = {}, []

    def encode(self, talks: list) -> list:
        """Ids and train flags of every conversation; pieces of text that occur often are encoded once."""
        parts = [segments(t) for t in talks]
        texts = list({text for part in parts for text, _ in part if text not in self.known})
        fresh = dict(zip(texts, (e.ids for e in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False))))
        out = []
        for part in parts:
            ids, flags = [], []
            for text, how in part:
                piece = fresh.get(text) or self.known[text]
                ids += piece
                flags += [how != NOT_TRAINED] * len(piece)
                if how == TRAINED_BUT_FIRST:
                    flags[-len(piece)] = False
            out.append((ids, flags))
        self.known |= {text: fresh[text] for text in texts if len(text) < 50 and "<|im_start|>" in text and len(self.known) < 1000}
        return out

    def stream(self) -> numpy.ndarray:
        """ids, borders, positions that predict, ids to predict, one after the other as int32."""
        ids, borders, at, targets = [], [0], [], []
        while True:
            if not self.waiting:
                self.waiting = self.encode([training_conversation(self.rng) for _ in range(256)])
            talk, flags = self.waiting[-1]
            if len(talk) > LONGEST:
                self.waiting.pop()
                continue
            if len(ids) + len(talk) > self.tokens or len(at) + sum(flags) > self.targets or len(borders) > self.pieces - 2:
                break
            self.waiting.pop()
            at += [len(ids) + i - 1 for i, flag in enumerate(flags) if flag]
            targets += [token for token, flag in zip(talk, flags) if flag]
            ids += talk
            borders.append(len(ids))
        while len(ids) < self.tokens:  # padding, in pieces that are not too long for the kernel
            count = min(LONGEST, self.tokens - len(ids))
            ids += [0] * count
            borders.append(len(ids))
        borders += [self.tokens] * (self.pieces + self.tokens // LONGEST - len(borders))
        at += [0] * (self.targets - len(at))
        targets += [-100] * (self.targets - len(targets))
        return numpy.array(ids + borders + at + targets, dtype=numpy.int32)


def work(tokens: int, seed: str, out) -> None:
    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    source = packer(tokens, seed)
    while True:
        out.put(source.stream())


def batches(source, tokens: int, device: str, ahead: queue.Queue) -> None:
    """Thread: brings streams to the device, a few steps ahead."""
    sizes = [tokens, tokens // 56 + tokens // LONGEST, tokens * 9 // 20, tokens * 9 // 20]
    while True:
        stream = torch.from_numpy(source.get())
        if device != "cpu":
            stream = stream.pin_memory().to(device, non_blocking=True)
        ids, borders, at, targets = stream.split(sizes)
        index = torch.arange(tokens, device=device)
        starts = borders[torch.bucketize(index, borders.long(), right=True) - 1]
        ahead.put((ids.long(), (index - starts), borders.contiguous(), at.long(), targets.long()))


# Optimizer -------------------------------------------------------------------------------------------------------------

def orthogonal(g):
    """The nearest semi-orthogonal matrices, by Newton-Schulz steps with Muon's coefficients. g [count, rows, columns]."""
    x = g.bfloat16() if g.is_cuda else g.clone()
    if wide := x.shape[1] > x.shape[2]:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.mT if wide else x


class optimizer:
    """Muon for the stacked matrices, its updates scaled to the size of Adam's; AdamW for everything else."""

    def __init__(self, net, peak: float, decay: float):
        self.peak, self.decay = peak, decay
        self.matrices = [net.square, net.narrow, net.wide]
        self.momenta = [torch.zeros_like(p) for p in self.matrices]
        cuda = net.embedding.is_cuda
        self.adam = torch.optim.AdamW([{"params": [net.embedding], "weight_decay": 0.0, "ratio": 0.5},
                                       {"params": [net.norms, net.head_norms], "weight_decay": 0.0, "ratio": 0.5}],
                                      lr=peak, betas=(0.9, 0.98), fused=cuda)

    @torch.no_grad()
    def step(self, factor: float) -> None:
        rate = self.peak * factor
        for p, m in zip(self.matrices, self.momenta):
            m.lerp_(p.grad, 0.05)
            update = orthogonal(p.grad.lerp(m, 0.95))
            p.mul_(1 - rate * self.decay).add_(update, alpha=-rate * 0.2 * max(p.shape[1:])**0.5)
            p.grad = None
        for group in self.adam.param_groups:
            group["lr"] = rate * group["ratio"]
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)


def schedule(used: float) -> float:
    """Share of the peak rate: a short rise, level, then a cosine down to zero."""
    rise, level = 0.01, 0.3
    if used < rise:
        return used / rise
    if used < level:
        return 1.0
    return 0.5 * (1 + numpy.cos(numpy.pi * min(1.0, (used - level) / (1 - level))))


# The run ---------------------------------------------------------------------------------------------------------------

def train(arguments, net, source, log) -> dict:
    device, steps, started = arguments.device, 0, time.time()
    ahead = queue.Queue(4)
    threading.Thread(target=batches, args=(source, arguments.tokens, device, ahead), daemon=True).start()
    loss_of = torch.compile(net, dynamic=False) if device != "cpu" else net
    update = optimizer(net, arguments.rate, arguments.decay)
    losses, marked = [], time.time()
    while True:
        used = (time.time() - started) / (60 * arguments.minutes)
        if used >= 1 or steps == arguments.steps:
            break
        loss = loss_of(*ahead.get())
        loss.backward()
        update.step(float(schedule(used)))
        losses.append(loss.detach())
        steps += 1
        if steps == 1:
            losses[0].item()
            log(f"first step after {time.time() - started:.0f} s")
            marked = time.time()
        if steps % arguments.report == 0:
            mean = torch.stack(losses[-arguments.report:]).mean().item()
            now = time.time()
            speed = arguments.report * arguments.tokens / (now - marked)
            log(f"{now - started:5.0f} s  step {steps:6}  loss {mean:.4f}  {speed / 1e6:.2f} M tokens/s  streams waiting {ahead.qsize()}")
            marked = now
    if device != "cpu":
        torch.cuda.synchronize()
    seconds = time.time() - started
    return {"steps": steps, "tokens": steps * arguments.tokens, "seconds": round(seconds, 1),
            "loss": round(torch.stack(losses[-50:]).mean().item(), 5)}


def scored(arguments, net, log) -> None:
    import transformers
    tokenizer = transformers.AutoTokenizer.from_pretrained(HERE)
    questions = held_out_questions(2026, arguments.questions)
    began = time.time()
    answers = evaluate.answer_all(greedy_decoder(net.s, net.tensors(), arguments.device), tokenizer, questions)
    text, _, _ = score.table(questions, {a["id"]: a for a in answers})
    log(f"{text}\nscored in {time.time() - began:.0f} s")
    wrong = [(q["id"], q["enable_thinking"], q["messages"][-1]["content"], q["expected"], a["content"], a["reasoning_content"], a["tool_calls"])
             for q, a in zip(questions, answers) if not score.is_right(q, a)]
    (arguments.out / "wrong.jsonl").write_text("".join(json.dumps(w) + "\n" for w in wrong))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="directory for the checkpoint and the log")
    parser.add_argument("--minutes", type=float, default=4.9, help="time budget of the training itself, compilation included")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--tokens", type=int, default=65536, help="tokens in a step's stream")
    parser.add_argument("--rate", type=float, default=4e-3, help="peak learning rate")
    parser.add_argument("--decay", type=float, default=0.05, help="weight decay of the matrices")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 2))
    parser.add_argument("--steps", type=int, default=-1, help="stop after this many steps")
    parser.add_argument("--report", type=int, default=250, help="steps between two lines of the log")
    parser.add_argument("--questions", type=int, default=200, help="held-out questions of each task to score with")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    def log(text: str) -> None:
        print(text, flush=True)
        with open(arguments.out / "train.log", "a", encoding="utf-8") as out:
            out.write(text + "\n")

    source = multiprocessing.get_context("fork").Queue(4 * arguments.workers)
    for i in range(arguments.workers):
        multiprocessing.get_context("fork").Process(target=work, args=(arguments.tokens, f"{arguments.seed} {i}", source), daemon=True).start()
    torch.manual_seed(arguments.seed)
    torch.set_float32_matmul_precision("high")
    net = network(read_shape(HERE), choose_attention(arguments.device)).to(arguments.device)
    name = torch.cuda.get_device_name() if arguments.device != "cpu" else "cpu"
    log(f"{sum(p.numel() for p in net.parameters())} parameters, {name}, torch {torch.__version__}")
    log(f"trained: {train(arguments, net, source, log)}")
    net.save(arguments.out)
    for file in ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        if arguments.out.resolve() != HERE.resolve():
            shutil.copy(HERE / file, arguments.out)
    torch.set_float32_matmul_precision("highest")
    scored(arguments, net, log)


if __name__ == "__main__":
    main()
