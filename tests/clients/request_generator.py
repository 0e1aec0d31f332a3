# SPDX-License-Identifier: Apache-2.0
"""Random connections, each a few requests: good ones, bad bodies, and framings that proxies and servers may read apart.

A connection is a list of parts (bytes, with a pause where they are cut), and what it is meant to be: the requests that a server
may see, by their x-request-id. An id that begins with `hidden` stands in a body or behind a broken framing: whoever sees a
request of that id has been smuggled one.
"""

import dataclasses
import json
import random

WORDS = ("hello", "the", "weather", "Paris", "1234", "naïve", "你好", "🙂", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "\u0000", "\n")


@dataclasses.dataclass
class Wanted:
    """A request that a server may see: how it may be answered, and the length of its body when it is seen whole."""
    id: str
    path: str
    statuses: frozenset
    length: int | None  # None: it may be cut


@dataclasses.dataclass
class Connection:
    data: bytes
    wanted: list
    good: bool          # every request is well formed: all must be answered, in order
    cut: int | None     # the client closes after so many bytes
    pieces: list        # where the data is cut into separate writes
    breaks: bool = False  # its framing is broken: the connection ends in a refusal


OK, BAD = frozenset({200}), frozenset({400})
REFUSED = frozenset({400, 404, 405, 408, 411, 413, 414, 415, 417, 421, 426, 431, 501, 505})


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seed = seed
        self.count = 0

    def text(self, longest=20):
        return " ".join(self.random.choice(WORDS) for _ in range(self.random.randrange(1, longest)))

    def id(self):
        self.count += 1
        return f"g{self.seed}-{self.count}"

    def head(self, method, path, id, *lines):
        return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", f"x-request-id: {id}", *lines, "", ""]).encode("latin-1")

    def chunked(self, body):
        """`body` in chunks of random sizes."""
        out, at = b"", 0
        while at < len(body):
            size = self.random.randrange(1, 1 + max(1, len(body) // 2))
            piece = body[at:at + size]
            out += b"%x\r\n%s\r\n" % (len(piece), piece)
            at += size
        return out + b"0\r\n\r\n"

    def post(self, path, body, statuses, hidden=False):
        id = self.id()
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=self.random.random() < 0.5).encode()
        kind = "Content-Type: application/json"
        if self.random.random() < 0.3:
            raw = self.head("POST", path, id, kind, "Transfer-Encoding: chunked") + self.chunked(data)
        else:
            raw = self.head("POST", path, id, kind, f"Content-Length: {len(data)}") + data
        return raw, Wanted(id, path, statuses, len(data))

    def good(self):
        kind = self.random.randrange(10)
        if kind < 3:
            path = self.random.choice(("/health", "/version", "/v1/models", "/v1/models/tiny_model", "/health/ready"))
            id = self.id()
            return self.head("GET", path, id), Wanted(id, path, OK, 0)
        if kind < 6:
            return self.post("/tokenize", {"prompt": self.text(60)}, OK)
        if kind == 6:
            return self.post("/detokenize", {"tokens": [self.random.randrange(4096) for _ in range(self.random.randrange(40))]}, OK)
        if kind == 7:
            id = self.id()
            return self.head("GET", "/nowhere", id), Wanted(id, "/nowhere", frozenset({404}), 0)
        wish = {"model": "tiny_model", "max_tokens": self.random.randrange(1, 4), "stream": self.random.random() < 0.5, "temperature": self.random.choice((0, 1, 2)),
                "seed": self.random.randrange(9)}
        if kind == 8:
            return self.post("/v1/completions", {**wish, "prompt": self.text(8)}, OK)
        return self.post("/v1/chat/completions", {**wish, "messages": [{"role": self.random.choice(("user", "system")), "content": self.text(8)}],
                                                  "enable_thinking": self.random.random() < 0.5}, OK)

    def bad_body(self):
        """Well-framed, but not to be answered: the connection goes on."""
        path = self.random.choice(("/v1/chat/completions", "/v1/completions", "/tokenize", "/detokenize"))
        smuggled = b"GET /health HTTP/1.1\r\nHost: localhost\r\nx-request-id: hidden-%d\r\n\r\n" % self.count
        fields = {"model": "tiny_model", "messages": [{"role": "user", "content": "x"}], "prompt": "x", "tokens": [1], "max_tokens": 1}
        field = self.random.choice(("messages", "prompt", "tokens", "max_tokens", "temperature", "stop", "n", "logit_bias", "tools", "stream"))
        odd = self.random.choice((None, -1, 1e308, 10**30, "text", [], {}, [[]], {"a": {}}, True, [None], "\ud800"))
        needed = {"/v1/chat/completions": "messages", "/v1/completions": "prompt", "/tokenize": "prompt", "/detokenize": "tokens"}[path]
        bodies = (
            (smuggled, BAD), (b"", BAD), (b"{", BAD), (b'{"a": "\xff"}', BAD), (b"[" * 200, BAD), (b'{"prompt": 1e400}', BAD), (b'{"prompt": "x", "prompt": "y"}', BAD),
            (b"\x00" * 50, BAD), (b'"' + b"a" * 3000 + b'"', BAD), (b"nul", BAD), (b'{"prompt": "x"} x', BAD),
            (json.dumps({name: value for name, value in fields.items() if name != needed}).encode(), BAD if path != "/tokenize" else BAD | OK),
            (json.dumps({**fields, field: odd}).encode(), BAD | OK),
            (self.mutated(json.dumps(fields).encode()), BAD | OK | frozenset({404})))
        data, statuses = self.random.choice(bodies)
        return self.post(path, data, statuses)

    def mutated(self, data):
        data = bytearray(data)
        for _ in range(self.random.randrange(1, 4)):
            at = self.random.randrange(len(data))
            match self.random.randrange(4):
                case 0: data[at] = self.random.randrange(256)
                case 1: del data[at]
                case 2: data.insert(at, self.random.randrange(256))
                case 3: data[at:at] = data[at:at + 20]
        return bytes(data)

    def broken_framing(self):
        """Something that no request can follow. What hides behind it must never be answered."""
        id, hidden = self.id(), f"hidden-{self.count}"
        inner = f"GET /health HTTP/1.1\r\nHost: localhost\r\nx-request-id: {hidden}\r\n\r\n".encode()
        # A body that ends at the first blank line for some readers and spans everything for others.
        inside = b"0\r\n\r\n" + inner
        follows = inside.replace(b"hidden-", b"follows-")  # behind what others may read as a whole body: then it is one more request
        length = f"Content-Length: {len(inside)}"
        def post(*lines, body=inside, version="1.1", host=("Host: localhost",), path="/tokenize"):
            return "\r\n".join([f"POST {path} HTTP/{version}", *host, f"x-request-id: {id}", *lines, "", ""]).encode("latin-1") + body
        chunked = "Transfer-Encoding: chunked"
        choices = (
            lambda: post(chunked, length), lambda: post(length, chunked), lambda: post(chunked, "Content-Length: 0"), lambda: post(length, "Content-Length: 6"),
            lambda: post("Content-Length: 6, 6"), lambda: post("Content-Length: +6"), lambda: post("Content-Length: -6"), lambda: post("Content-Length: 6 6"),
            lambda: post("Content-Length: 0x6"), lambda: post("Content-Length: 99999999999999999999"), lambda: post("Content-Length:"),
            lambda: post("Content-Length : 6"), lambda: post("Content-Length\t: 6"), lambda: post(" Content-Length: 6"),
            lambda: post("Transfer-Encoding: xchunked"), lambda: post("Transfer-Encoding: chunked, identity"), lambda: post("Transfer-Encoding: identity", length),
            lambda: post("Transfer-Encoding: chunked, chunked"), lambda: post("Transfer-Encoding:\x0bchunked"), lambda: post("Transfer-Encoding: gzip, chunked"),
            lambda: post("Transfer-Encoding : chunked"), lambda: post("Transfer-Encoding: chunked", "Transfer-Encoding: x"), lambda: post("Transfer-Encoding: \"chunked\""),
            lambda: post(chunked, version="1.0"), lambda: post(length, host=()), lambda: post(length, host=("Host: a", "Host: b")), lambda: post(length, version="2.0"),
            lambda: post(length, version="1.2x"), lambda: post("X: a\r\n b", length), lambda: post("X\x00: a", length), lambda: post("X: a\x00b", length), lambda: post("no colon", length),
            lambda: post(": empty", length), lambda: post("X: " + "a" * 20000, length), lambda: post(*[f"X{i}: a" for i in range(200)], length),
            lambda: post(length, path="/" + "a" * 20000), lambda: post(length, path="/a b"),
            lambda: post(chunked, body=b"ffffffffffffffff1\r\n" + inner), lambda: post(chunked, body=b"-5\r\n" + inner), lambda: post(chunked, body=b"0x5\r\nhello\r\n" + inside),
            lambda: post(chunked, body=b"5\r\nhelloXX" + inside), lambda: post(chunked, body=b"5 \r\nhello\r\n" + follows), lambda: post(chunked, body=b"5;" + b"a" * 5000 + b"\r\nhello\r\n" + follows),
            lambda: post(chunked, body=b"5\nhello\r\n" + follows), lambda: post(chunked, body=b"g\r\n" + inner), lambda: post(chunked, body=b"\r\n" + inner),
            lambda: b"GARBAGE\r\n\r\n" + inner, lambda: b"\x16\x03\x01\x02\x00\x01" + inner, lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + inner, lambda: b"GET /health\r\n\r\n" + inner,
            lambda: self.random.randbytes(self.random.randrange(1, 400)) + b"\r\n\r\n" + inner,
        )
        data = self.random.choice(choices)()
        return data, Wanted(id, "/tokenize", REFUSED | OK, None)

    def connection(self):
        kind = self.random.random()
        good = kind < 0.55
        data, wanted = b"", []
        for _ in range(self.random.randrange(1, 6)):
            raw, request = self.good() if good or self.random.random() < 0.5 else self.bad_body()
            data += raw
            wanted.append(request)
        breaks = 0.8 < kind
        if breaks:
            raw, request = self.broken_framing()
            data += raw
            wanted.append(request)
        cut = self.random.randrange(len(data)) if 0.75 < kind < 0.8 else None
        pieces = sorted(self.random.randrange(len(data)) for _ in range(self.random.choice((0, 0, 0, 1, 3))))
        return Connection(data, wanted, good, cut, pieces, breaks)
