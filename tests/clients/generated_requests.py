#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends generated connections, hostile and good mixed, to a server: direct, through nginx, through haproxy.

    python3 tests/clients/generated_requests.py --count 100000 [--seed 1] [--through direct,nginx,haproxy]

What is checked: each good request is answered as it should be, in order; no answer is a 5xx but those that say so; the server
sees the same requests, with the same body lengths, whatever is in front of it, and never one that hides in another's body (a
proxy may read a broken framing as two requests; then both must be answered as two); it is alive at the end, holds no page, and
answers. --count is the requests of each way.
"""

import argparse
import asyncio
import collections
import os
import re
import sys
import time

from proxies import Haproxy, Nginx
from raw_http import raise_file_limit, read_response
from request_generator import Generator
from serving import Server

AT_ONCE = 48
LINE = re.compile(r" request id=(\S+) method=(\S+) path=(\S+) status=(\d+) .*?\bin=(\d+)")


class Way:
    """One way to the server, and what was found on it."""

    def __init__(self, name, port):
        self.name, self.port = name, port
        self.statuses, self.faults = collections.Counter(), []
        self.requests = 0
        self.intended = {}    # id -> Wanted
        self.answered = set()
        self.hidden = set()   # ids of answers that came behind a broken framing: what a proxy took for one more request

    def fault(self, text, connection):
        self.faults.append(f"{self.name}: {text}\n  {connection.data[:600]!r}")

    async def send(self, connection):
        for request in connection.wanted:
            self.intended[request.id] = request
            if connection.cut is not None:
                request.length = None
        self.requests += len(connection.wanted)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        try:
            sending = asyncio.create_task(self.write(writer, connection))
            if connection.cut is None:
                await asyncio.wait_for(self.read(reader, connection), 60)
            await sending
        except asyncio.TimeoutError:
            self.fault("no end within 60 s", connection)
        except (ConnectionError, asyncio.IncompleteReadError, ValueError, IndexError) as ended:
            if connection.cut is None and not connection.breaks:
                self.fault(f"the connection broke: {ended!r}", connection)
        finally:
            sending.cancel()
            writer.close()

    async def write(self, writer, connection):
        data = connection.data if connection.cut is None else connection.data[:connection.cut]
        try:
            at = 0
            for piece in [*connection.pieces, len(data)]:
                writer.write(data[at:piece])
                await writer.drain()
                at = max(at, piece)
                if at < len(data):
                    await asyncio.sleep(0)
            if connection.cut is not None:
                await asyncio.sleep(0.005)
            elif connection.breaks and writer.can_write_eof():
                writer.write_eof()  # so that nobody waits for the rest of a body that never comes
        except OSError:
            pass  # the server was first

    async def read(self, reader, connection):
        for number, request in enumerate(connection.wanted):
            response = await read_response(reader)
            if response is None:
                if not connection.breaks:
                    self.fault(f"closed before answer {number}", connection)
                return
            status, headers, body = response
            self.statuses[status] += 1
            last = connection.breaks and number == len(connection.wanted) - 1
            if not last and status not in request.statuses:
                self.fault(f"answer {number} ({request.path}) is {status}: {body[:300]!r}", connection)
            if status >= 500 and status not in (501, 505):
                self.fault(f"answer {number} is {status}: {body[:300]!r}", connection)
            seen = headers.get("x-request-id")
            if not last and seen != request.id:
                self.fault(f"answer {number} is of {seen}, expected {request.id}", connection)
            if not last:
                self.answered.add(request.id)
        if connection.breaks:
            while (response := await read_response(reader)) is not None:
                self.hidden.add(response[1].get("x-request-id", ""))
                if self.name == "direct":
                    self.fault(f"another answer ({response[0]}) after the refusal", connection)


async def run_way(way, seed, count):
    generator = Generator(seed)
    open_ones = set()
    while way.requests < count:
        while len(open_ones) < AT_ONCE:
            open_ones.add(asyncio.create_task(way.send(generator.connection())))
        done, open_ones = await asyncio.wait(open_ones, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    await asyncio.gather(*open_ones)


def check_log(text, way):
    """The requests that the server saw are those that were meant, with their whole bodies."""
    seen = {}
    for id, method, path, status, length in LINE.findall(text):
        if id in seen:
            way.faults.append(f"{way.name}: request {id} was seen twice")
        seen[id] = (path, int(length))
    if "dropped" in text:
        way.faults.append(f"{way.name}: the log is not whole")
    for id, (path, length) in seen.items():
        meant = way.intended.get(id)
        if id.startswith("hidden") and id not in way.hidden:  # else it was a request to the proxy, too: their boundaries agree
            way.faults.append(f"{way.name}: the server saw the hidden request {id}")
        elif meant and meant.length is not None and path == meant.path and length not in (meant.length, 0):
            way.faults.append(f"{way.name}: {id} has a body of {length} bytes, expected {meant.length}")
    missing = [id for id in way.answered if id not in seen]
    if missing:
        way.faults.append(f"{way.name}: {len(missing)} answered requests are not in the log, such as {missing[0]}")
    return {id: what for id, what in seen.items() if id in way.intended}


def run(name, seed, count):
    """One server, and one way to it."""
    with Server("--rows", 32, "--max-requests", 4096, environment={"ASAN_OPTIONS": "abort_on_error=0"}) as server:
        started = time.monotonic()
        proxy = {"nginx": Nginx, "haproxy": Haproxy}.get(name)
        front = proxy(server.host) if proxy else None
        try:
            way = Way(name, front.port if front else server.port)
            asyncio.run(run_way(way, seed, count))
        finally:
            if front:
                front.__exit__()
        if server.process.poll() is not None:
            way.faults.append(f"{name}: the server is gone, status {server.process.returncode}:\n{server.text_of_log()[-3000:]}")
            return way, {}
        server.wait_until_idle(60)
        assert server.chat("What is 1 + 2?", enable_thinking=False)[1]["choices"][0]["message"]["content"] == "1 + 2 = 3"
        time.sleep(0.3)  # the log is written by a thread of its own
        text = server.text_of_log()
        seen = check_log(text, way)
        if "Sanitizer" in text or "runtime error" in text:
            way.faults.append(f"{name}: a sanitizer spoke:\n{text[text.find('Sanitizer') - 500:][:4000]}")
        way.seconds = time.monotonic() - started
    return way, seen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TENON_TEST_SEED", "1")))
    parser.add_argument("--through", default="direct,nginx,haproxy")
    arguments = parser.parse_args()
    raise_file_limit()
    failed, direct = False, None
    for name in arguments.through.split(","):
        way, seen = run(name, arguments.seed, arguments.count)
        if direct is None:
            direct = seen
        both = direct.keys() & seen.keys()
        apart = [id for id in both if direct[id] != seen[id] and way.intended[id].length is not None and 0 not in (direct[id][1], seen[id][1])]
        if apart:
            way.faults.append(f"{name}: {len(apart)} requests have other boundaries than direct, such as {apart[0]}: {seen[apart[0]]}, direct {direct[apart[0]]}")
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(way.statuses.items()))
        print(f"{name}: {way.requests} requests sent, {len(seen)} seen by the server, {len(both)} as when sent direct; answers {statuses}; "
              f"{len(way.faults)} faults; seed {arguments.seed}; {getattr(way, 'seconds', 0):.0f} s", flush=True)
        for fault in way.faults[:20]:
            print(fault, file=sys.stderr)
        failed |= bool(way.faults)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
