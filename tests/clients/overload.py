#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ten times the load that the server can take: what do those get who are accepted, and how soon are others refused?

    python3 tests/clients/overload.py [--windows 5] [--seconds 8]

First the highest rate is measured at which closed-loop clients are served. Then windows at 95 % of it and at ten times of it follow
each other, with Poisson arrivals. Compared are the medians over the windows of the p99 time to the first token of the accepted;
refusals must come within 20 ms (p99) and be 503 with Retry-After, and nothing else may fail.
"""

import argparse
import asyncio
import collections
import json
import multiprocessing
import os
import random
import statistics
import sys
import time

from raw_http import post, quantile, raise_file_limit, read_chunks, read_head
from serving import Server

TOKENS = range(24, 73)  # of different lengths: equal ones would end, and others begin, all in one step
ROWS = 8


def wish(number):
    return post("/v1/completions", {"model": "tiny_model", "stream": True, "max_tokens": TOKENS[number * 31 % len(TOKENS)], "ignore_eos": True, "temperature": 0,
                                    "prompt": f"{number} What is {number % 89} + {number % 83}? Sort the numbers and count the letters."})


async def ask(port, number, pool, out):
    """One request: (what became of it, seconds to the refusal or to the first token)."""
    try:
        reader, writer = pool.pop() if pool else await asyncio.open_connection("127.0.0.1", port)
        started = time.perf_counter()
        writer.write(wish(number))
        status, headers = await read_head(reader)
        if status != 200:
            out.append((status, time.perf_counter() - started))
            assert "retry-after" in headers
            await reader.readexactly(int(headers["content-length"]))
        else:
            first = None
            async for _ in read_chunks(reader):
                first = first or time.perf_counter() - started
            out.append((status, first))
        if headers.get("connection") == "close":
            writer.close()
        else:
            pool.append((reader, writer))
    except (ConnectionError, asyncio.IncompleteReadError, TypeError) as broken:
        out.append((repr(broken), 0.0))


async def open_loop(port, rate, seconds, seed):
    draw, pool, out, tasks = random.Random(seed), [], [], set()
    begin = time.perf_counter()
    due, number = begin, 0
    while due - begin < seconds:
        due += draw.expovariate(rate)
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        number += 1
        task = asyncio.create_task(ask(port, seed * 100000 + number, pool, out))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    for _, writer in pool:
        writer.close()
    return out


async def closed_loop(port, clients, seconds):
    out, until = [], time.perf_counter() + seconds
    async def client(which):
        pool, number = [], which * 100000
        while time.perf_counter() < until:
            number += 1
            await ask(port, number, pool, out)
    await asyncio.gather(*(client(i) for i in range(clients)))
    return sum(status == 200 for status, _ in out) / seconds


def part(arguments):
    return asyncio.run(open_loop(*arguments))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--generators", type=int, default=2)
    arguments = parser.parse_args()
    raise_file_limit()
    calm, storm = [], []
    # The load is made on the same machine: the processors that it needs must not be the engine's.
    threads = max(1, len(os.sched_getaffinity(0)) // 2)
    with Server("--rows", ROWS, "--max-requests", ROWS, "--log-level", "error", threads=threads) as server, \
            multiprocessing.get_context("spawn").Pool(arguments.generators) as pool:
        asyncio.run(closed_loop(server.port, ROWS, 1))
        capacity = asyncio.run(closed_loop(server.port, ROWS, arguments.seconds))
        def load(rate, seed):
            share = [(server.port, rate / arguments.generators, arguments.seconds, seed * 10 + i) for i in range(arguments.generators)]
            return [answer for answers in pool.map(part, share) for answer in answers]
        for window in range(arguments.windows):
            calm.append(load(0.95 * capacity, 2 * window))
            storm.append(load(10 * capacity, 2 * window + 1))
            times = [[1000 * quantile([t for status, t in answers[-1] if status == 200], 0.99) for answers in (calm, storm)]]
            print(f"  p99 to the first token at 95 %: {times[0][0]:.1f} ms, at 1000 %: {times[0][1]:.1f} ms", file=sys.stderr, flush=True)
        server.wait_until_idle()
    flat = lambda windows: [answer for window in windows for answer in window]
    p99_of = lambda window: quantile([t for status, t in window if status == 200], 0.99)
    result, good = {"capacity_a_second": round(capacity, 1), "windows": arguments.windows}, True
    p99 = {}
    for name, windows in (("at_95_percent", calm), ("at_1000_percent", storm)):
        answers = flat(windows)
        counts = collections.Counter(str(status) for status, _ in answers)
        accepted, refused = [t for status, t in answers if status == 200], [t for status, t in answers if status == 503]
        p99[name] = statistics.median(map(p99_of, windows))  # one window may meet a pause of the machine
        result[name] = {"answers": dict(counts), "first_token_p50_ms": round(1000 * quantile(accepted, 0.5), 1), "first_token_p99_ms": round(1000 * p99[name], 1),
                        "refused_p50_ms": round(1000 * quantile(refused, 0.5), 2), "refused_p99_ms": round(1000 * quantile(refused, 0.99), 2)}
        good &= set(counts) <= {"200", "503"}
    result["ratio"] = round(p99["at_1000_percent"] / p99["at_95_percent"], 3)
    good &= result["ratio"] <= 1.2 and result["at_1000_percent"]["refused_p99_ms"] <= 20
    print(json.dumps(result))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
