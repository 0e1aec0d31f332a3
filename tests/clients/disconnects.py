#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ten thousand clients that go away at a random point, politely or not: does every page come back?

    python3 tests/clients/disconnects.py --count 10000 [--seed 1]
"""

import argparse
import asyncio
import json
import os
import random
import socket
import struct
import sys
import time

from raw_http import post, raise_file_limit
from serving import Server, total

AT_ONCE = 64


def wish(draw):
    fields = {"model": "tiny_model", "stream": draw.random() < 0.7, "max_tokens": draw.choice((1, 5, 50, 500)), "ignore_eos": True, "n": draw.choice((1, 1, 1, 3)),
              "temperature": 1, "seed": draw.randrange(99)}
    text = "count the letters " * draw.choice((1, 3, 30, 200))
    if draw.random() < 0.3:
        return post("/v1/completions", {**fields, "prompt": [text, text + "a"] if draw.random() < 0.3 else text, "echo": draw.random() < 0.3})
    return post("/v1/chat/completions", {**fields, "enable_thinking": draw.random() < 0.5, "messages": [{"role": "user", "content": text}]})


async def one(port, draw):
    """Sends a part of a request, or all of it and reads a part of the answer, then goes away."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = wish(draw)
    kind = draw.random()
    try:
        if kind < 0.25:
            writer.write(data[:draw.randrange(len(data) + 1)])
            await writer.drain()
            await asyncio.sleep(draw.choice((0, 0.001, 0.02)))
        else:
            writer.write(data)
            await asyncio.sleep(draw.choice((0, 0, 0.001, 0.005, 0.02, 0.1)))
            if kind > 0.5:
                await asyncio.wait_for(reader.read(draw.choice((1, 100, 1000, 20000))), 0.5)
        if draw.random() < 0.2 and writer.can_write_eof():
            writer.write_eof()
            await asyncio.sleep(0.002)
        if draw.random() < 0.5:  # a reset in place of an orderly end
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except (OSError, asyncio.TimeoutError):
        pass  # the server was first
    writer.transport.abort()


async def many(port, count, draw):
    open_ones = set()
    for _ in range(count):
        if len(open_ones) >= AT_ONCE:
            _, open_ones = await asyncio.wait(open_ones, return_when=asyncio.FIRST_COMPLETED)
        open_ones.add(asyncio.create_task(one(port, draw)))
    await asyncio.gather(*open_ones)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TENON_TEST_SEED", "1")))
    arguments = parser.parse_args()
    raise_file_limit()
    draw, started, waits = random.Random(arguments.seed), time.monotonic(), []
    with Server("--rows", 16, "--log-level", "error") as server:
        for begun in range(0, arguments.count, 500):
            asyncio.run(many(server.port, min(500, arguments.count - begun), draw))
            since = time.monotonic()
            server.wait_until_idle(10)
            waits.append(time.monotonic() - since)
        ended = {labels["finished_reason"]: int(value) for labels, value in server.metrics()["vllm:request_success_total"]}
        assert server.chat("What is 1 + 2?", enable_thinking=False)[1]["choices"][0]["message"]["content"] == "1 + 2 = 3"
    print(json.dumps({"disconnects": arguments.count, "seed": arguments.seed, "ended": ended, "idle_after_s": round(max(waits), 3),
                      "seconds": round(time.monotonic() - started)}))


if __name__ == "__main__":
    sys.exit(main())
