#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hundreds of thousands of requests, some of them given up: what does the server hold on to?

    python3 tests/clients/soak.py --count 200000 [--warm-up 20000] [--aborts 0.05]

Bytes that the process holds from malloc are counted by live_bytes.c, preloaded. Every --every requests everything is let
finish, and the bytes are read; the slope of a line through these points is the bytes a request leaves behind. The same with a
leak of 64 bytes a request planted must be found out, or the test is worth nothing (--plant N alone shows that).
Latency between tokens is taken as it goes: its p99 at the end against that at the beginning.
"""

import argparse
import asyncio
import gc
import json
import mmap
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

from raw_http import post, quantile, raise_file_limit, read_chunks, read_head, read_response
from serving import Server, total

CLIENTS = 48


def wishes(seed):
    """A circle of 997 requests, so that what is cached is the same again and again."""
    draw = random.Random(seed)
    out = []
    for i in range(997):
        stream = i % 2 == 0
        question = f"What is {draw.randrange(1000)} + {draw.randrange(1000)}?"
        fields = {"model": "tiny_model", "max_tokens": draw.randrange(1, 12), "stream": stream, "temperature": draw.choice((0, 1)), "seed": i}
        if i % 5 == 0:
            out.append(("/v1/completions", {**fields, "prompt": question, "logprobs": 2, "stop": ["9"]}))
        elif i % 7 == 0:
            out.append(("/tokenize", {"prompt": question * 20}))
        else:
            tools = [{"type": "function", "function": {"name": "calculate", "description": "A calculator.", "parameters": {"type": "object", "properties": {}}}}]
            out.append(("/v1/chat/completions", {**fields, "enable_thinking": i % 3 == 0, "messages": [{"role": "user", "content": question}],
                                                 **({"tools": tools} if i % 11 == 0 else {})}))
    return [(post(path, body), bool(body.get("stream"))) for path, body in out]


class Soak:
    def __init__(self, server, aborts, seed):
        self.server, self.aborts = server, aborts
        self.random = random.Random(seed)
        self.wishes = wishes(seed)
        self.next, self.aborted, self.failed = 0, 0, []
        self.gaps = []

    async def client(self, until):
        connection = None
        while self.next < until:
            data, stream = self.wishes[self.next % len(self.wishes)]
            self.next += 1
            give_up = self.random.random() < self.aborts
            if connection is None:
                connection = await asyncio.open_connection("127.0.0.1", self.server.port)
            reader, writer = connection
            writer.write(data)
            if give_up:
                self.aborted += 1
                await asyncio.sleep(self.random.random() * 0.03)
                writer.close()
                connection = None
                continue
            status, headers = await read_head(reader)
            if headers.get("transfer-encoding") == "chunked":
                last = None
                async for _ in read_chunks(reader):
                    now = time.perf_counter()
                    if last is not None:
                        self.gaps.append(now - last)
                    last = now
            else:
                await reader.readexactly(int(headers["content-length"]))
            if status != 200:
                self.failed.append(status)
            if headers.get("connection") == "close":
                writer.close()
                connection = None
        if connection:
            connection[1].close()
            await connection[1].wait_closed()  # a connection is bytes, too

    async def until(self, count):
        await asyncio.gather(*(self.client(count) for _ in range(CLIENTS)))


def slope(points):
    """Of the least-squares line, and its standard error."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    rate = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    rest = sum((y - mean_y - rate * (x - mean_x)) ** 2 for x, y in points)
    return rate, (rest / max(1, n - 2) / spread) ** 0.5


def library():
    out = pathlib.Path(tempfile.mkdtemp(prefix="tenon_soak_")) / "live_bytes.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", str(pathlib.Path(__file__).with_name("live_bytes.c")), "-o", str(out)], check=True)
    return out


def run(count, warm_up, every, aborts, plant, rows):
    preload = library()
    counts = preload.with_name("counts")
    environment = {"LD_PRELOAD": str(preload), "TENON_LIVE_BYTES": str(counts), **({"TENON_PLANTED_LEAK": str(plant)} if plant else {})}
    points, gaps = [], []
    with Server("--rows", rows, "--log-level", "error", environment=environment) as server:
        soak = Soak(server, aborts, seed=1)
        started = time.monotonic()
        with open(counts, "r+b") as file, mmap.mmap(file.fileno(), 16) as shared:
            device = None
            for goal in range(warm_up, warm_up + count + 1, every):
                soak.gaps = []
                asyncio.run(soak.until(goal))
                server.wait_until_idle(60)
                gc.collect()
                found = server.metrics()
                memory = {labels["kind"]: value for labels, value in found["tenon:device_memory_bytes"]}
                device = device or memory
                assert memory == device, f"device memory changed after warm-up: {device}, now {memory}"
                time.sleep(0.1)
                points.append((goal, struct.unpack("qq", shared[:16])[0]))
                gaps.append(quantile(soak.gaps, 0.99))
                print(f"  {goal} requests, {points[-1][1]} bytes, resident {server.resident_bytes() >> 10} KiB, "
                      f"p99 between chunks {1000 * gaps[-1]:.1f} ms", file=sys.stderr, flush=True)
        seconds = time.monotonic() - started
    rate, error = slope(points)
    third = max(1, len(gaps) // 3)
    before, after = sorted(gaps[1:][:third])[third // 2], sorted(gaps[-third:])[third // 2]
    return {"requests": count, "warm_up": warm_up, "aborted": soak.aborted, "failed": len(soak.failed), "planted": plant,
            "bytes_a_request": round(rate, 3), "standard_error": round(error, 3), "p99_drift": round(after / before - 1, 4), "seconds": round(seconds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--warm-up", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=5 * 997)
    parser.add_argument("--aborts", type=float, default=0.05)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--plant", type=int, help="only this: plant a leak of so many bytes a request, with a tenth of the requests")
    arguments = parser.parse_args()
    raise_file_limit()
    wanted = ((None, 64) if arguments.plant is None else (arguments.plant,))
    good = True
    for plant in wanted:
        scale = 10 if plant else 1
        result = run(arguments.count // scale, arguments.warm_up, max(500, arguments.every // scale), arguments.aborts, plant or 0, arguments.rows)
        print(json.dumps(result), flush=True)
        good &= result["failed"] == 0 and (result["bytes_a_request"] > 0.5 * plant if plant else abs(result["bytes_a_request"]) <= 0.1)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
