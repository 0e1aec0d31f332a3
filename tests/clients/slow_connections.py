#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Thousands of connections that do nothing, or nearly nothing, beside one good client: does it notice?

    python3 tests/clients/slow_connections.py [--idle 2000] [--slow-headers 500] [--slow-readers 500] [--windows 5]

Windows with and without them follow each other. A slow header is a byte a second; a slow reader asks for twenty pages in one go,
0.7 MB, and reads a byte a second. The good client streams short answers, one after the other; its times to the first token are
compared. Every slow one must be closed by its deadline.
"""

import argparse
import asyncio
import json
import socket
import sys
import time

from raw_http import post, quantile, raise_file_limit, read_chunks, read_head
from serving import Server

HEADER_TIME, STALL_TIME, IDLE_TIME = 6, 6, 9  # seconds, given to the server
SLACK = 3
PAGES = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n" * 20


class Slow:
    """The slow connections of one window, and when each was closed by the server."""

    def __init__(self, port):
        self.port = port
        self.lives = {"idle": [], "header": [], "reader": []}
        self.tasks = []

    async def hold(self, kind):
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(small, ("127.0.0.1", self.port))
        started = time.monotonic()
        try:
            if kind == "reader":
                await loop.sock_sendall(small, PAGES)
            if kind == "idle":
                await loop.sock_sendall(small, b"GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
                await loop.sock_recv(small, 4096)
                started = time.monotonic()
                while await loop.sock_recv(small, 4096):
                    pass
            else:
                sent = b"POST /v1/completions HTTP/1.1\r\nHost: t\r\nX: " + b"a" * 1000
                for at in range(1000):
                    if kind == "header":
                        await loop.sock_sendall(small, sent[at:at + 1])
                        try:
                            if not await asyncio.wait_for(loop.sock_recv(small, 4096), 1):
                                break
                        except asyncio.TimeoutError:
                            pass
                    else:
                        # What has arrived can still be read behind a reset: the error is asked for.
                        if small.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or not await loop.sock_recv(small, 1):
                            break
                        await asyncio.sleep(1)
        except ConnectionError:
            pass
        self.lives[kind].append(time.monotonic() - started)
        small.close()

    async def open(self, idle, headers, readers):
        for kind, count in (("idle", idle), ("header", headers), ("reader", readers)):
            for _ in range(count):
                self.tasks.append(asyncio.create_task(self.hold(kind)))
                if len(self.tasks) % 50 == 0:
                    await asyncio.sleep(0.005)


async def good_client(port, seconds):
    """Times to the first token of short streams, one after the other."""
    times, until = [], time.monotonic() + seconds
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = 0
    while time.monotonic() < until:
        asked += 1
        if asked % 500 == 0:
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        started = time.perf_counter()
        writer.write(post("/v1/chat/completions", {"model": "tiny_model", "stream": True, "max_tokens": 8, "enable_thinking": False, "messages": [
            {"role": "user", "content": f"What is {asked % 97} + 12?"}]}))
        status, _ = await read_head(reader)
        assert status == 200, status
        first = None
        async for chunk in read_chunks(reader):
            if first is None and b'"content":"' in chunk.replace(b'"content":""', b""):
                first = time.perf_counter() - started
        times.append(first)
    writer.close()
    return times


def good_client_apart(port, seconds):
    """In a process of its own: the slow ones here would slow it down themselves."""
    import multiprocessing
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(int)
        return pool.apply(run_good_client, (port, seconds))


def run_good_client(port, seconds):
    return asyncio.run(good_client(port, seconds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--idle", type=int, default=2000)
    parser.add_argument("--slow-headers", type=int, default=500)
    parser.add_argument("--slow-readers", type=int, default=500)
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8)
    arguments = parser.parse_args()
    raise_file_limit()
    counts = (arguments.idle, arguments.slow_headers, arguments.slow_readers)
    alone, among, lives = [], [], {"idle": [], "header": [], "reader": []}
    with Server("--header-seconds", HEADER_TIME, "--stall-seconds", STALL_TIME, "--idle-seconds", IDLE_TIME, "--log-level", "error") as server:
        async def window(with_slow):
            slow = Slow(server.port)
            if with_slow:
                await slow.open(*counts)
                await asyncio.sleep(1)
            times = await asyncio.to_thread(good_client_apart, server.port, arguments.seconds)
            if with_slow:
                _, waiting = await asyncio.wait(slow.tasks, timeout=max(HEADER_TIME, STALL_TIME, IDLE_TIME) + SLACK)
                for task in waiting:
                    task.cancel()
                for kind, found in slow.lives.items():
                    lives[kind] += found
            return times
        for _ in range(arguments.windows):
            alone.append(asyncio.run(window(False)))
            among.append(asyncio.run(window(True)))
            print(f"  alone {1000 * quantile(alone[-1], .5):.2f} and {1000 * quantile(alone[-1], .99):.2f} ms (median, p99) of {len(alone[-1])}; "
                  f"among the slow {1000 * quantile(among[-1], .5):.2f} and {1000 * quantile(among[-1], .99):.2f} ms of {len(among[-1])}", file=sys.stderr, flush=True)
        server.wait_until_idle()
    flat = lambda windows: [value for window in windows for value in window]
    result = {"windows": arguments.windows, "slow": dict(zip(("idle", "headers", "readers"), counts))}
    good = True
    for name, share in (("median", 0.5), ("p99", 0.99)):
        before, after = 1000 * quantile(flat(alone), share), 1000 * quantile(flat(among), share)
        result[name] = {"alone_ms": round(before, 2), "among_ms": round(after, 2)}
        good &= after <= before * 1.1 or after <= before + 5
    for kind, wanted, limit in zip(lives, counts, (IDLE_TIME, HEADER_TIME, STALL_TIME)):
        result["closed_" + kind] = {"of": wanted * arguments.windows, "closed": len(lives[kind]), "latest_s": round(max(lives[kind], default=0), 1), "deadline_s": limit}
        good &= len(lives[kind]) == wanted * arguments.windows and max(lives[kind], default=0) <= limit + SLACK
    print(json.dumps(result))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
