# SPDX-License-Identifier: Apache-2.0
"""SIGTERM lets 100 streams finish and takes nothing new; a second one ends at once; what takes too long is told."""

import asyncio
import json
import signal
import time
import unittest

import httpx

from serving import Server

STREAMS = 100


def wish(tokens):
    return {"model": "tiny_model", "prompt": "Sort the", "max_tokens": tokens, "stream": True, "ignore_eos": True,
            "stream_options": {"include_usage": True}}


async def read_stream(client, url, tokens, started):
    """What a stream brought: (finish_reason, completion tokens, whether [DONE] came)."""
    finish, usage, done = None, None, False
    async with client.stream("POST", url + "/v1/completions", json=wish(tokens)) as answer:
        async for line in answer.aiter_lines():
            if not line.startswith("data: "):
                continue
            started()
            if line == "data: [DONE]":
                done = True
                continue
            chunk = json.loads(line[6:])
            usage = chunk["usage"]["completion_tokens"] if chunk.get("usage") else usage
            for choice in chunk["choices"]:
                finish = choice["finish_reason"] or finish
    return finish, usage, done


class Shutdown(unittest.TestCase):
    def test_no_stream_is_truncated(self):
        server = Server("--rows", 16)
        async def main():
            begun, all_begun = set(), asyncio.Event()
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(timeout=120, limits=limits) as client:
                def note(i):
                    begun.add(i)
                    if len(begun) == STREAMS // 8:  # the others wait, or are between their headers and the first token
                        all_begun.set()
                streams = [asyncio.create_task(read_stream(client, server.url, 40, lambda i=i: note(i))) for i in range(STREAMS)]
                await all_begun.wait()
                while sum(server.running()) + len([s for s in streams if s.done()]) < STREAMS:
                    await asyncio.sleep(0.01)
                server.process.send_signal(signal.SIGTERM)
                refused = None
                while refused is None and not all(stream.done() for stream in streams):
                    try:
                        late = await client.post(server.url + "/v1/completions", json={**wish(1), "stream": False})
                        if late.status_code == 503:
                            refused = late
                    except httpx.TransportError:
                        break  # it listens no longer
                return await asyncio.gather(*streams), refused
        results, refused = asyncio.run(main())
        self.assertEqual([result for result in results if result != ("length", 40, True)], [])
        if refused is not None:
            self.assertIn("retry-after", refused.headers)
        server.wait(expected=0)

    def test_a_second_signal_ends_at_once(self):
        server = Server()
        async def main():
            async with httpx.AsyncClient(timeout=30) as client:
                begun = asyncio.Event()
                stream = asyncio.create_task(read_stream(client, server.url, 4000, begun.set))
                await begun.wait()
                server.process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.3)
                self.assertIsNone(server.process.poll(), "it did not wait for the stream")
                started = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                while server.process.poll() is None and time.monotonic() - started < 10:
                    await asyncio.sleep(0.01)
                self.assertLess(time.monotonic() - started, 2)
                try:
                    self.assertFalse((await stream)[2])
                except httpx.TransportError:
                    pass
        asyncio.run(main())
        server.wait(expected=None)

    def test_what_is_cut_off_hears_of_it(self):
        server = Server("--drain-seconds", 0.3)
        async def main():
            async with httpx.AsyncClient(timeout=30) as client:
                whole = asyncio.create_task(client.post(server.url + "/v1/completions",
                                                        json={"prompt": "Sort the", "max_tokens": 4000, "ignore_eos": True}))
                async with client.stream("POST", server.url + "/v1/completions", json=wish(4000)) as answer:
                    lines = answer.aiter_lines()
                    await anext(lines)
                    server.process.send_signal(signal.SIGTERM)
                    rest = [line async for line in lines if line]
                return json.loads(rest[-1].removeprefix("data: ")), await whole
        last, whole = asyncio.run(main())
        self.assertEqual(last["error"]["code"], "shutting_down")
        self.assertEqual((whole.status_code, whole.json()["error"]["code"]), (503, "shutting_down"))
        self.assertIn("retry-after", whole.headers)
        server.wait(expected=1)

    def test_an_idle_server_ends_at_once(self):
        server = Server()
        started = time.monotonic()
        server.stop(expected=0)
        self.assertLess(time.monotonic() - started, 2)


if __name__ == "__main__":
    unittest.main()
