# SPDX-License-Identifier: Apache-2.0
"""HTTP over plain sockets, for what a well-behaved library would not send, and cheap enough to load a server from Python."""

import asyncio
import json


def raise_file_limit():
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384) if hard > 0 else 16384, hard))


def post(path, body, headers="", host="t"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(data)}\r\n\r\n".encode() + data


async def read_head(reader):
    """(status, headers with names in lower case) of the next response that is not 1xx; None at the connection's orderly end."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as ended:
            if ended.partial:
                raise
            return None
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        if status >= 200:
            return status, {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:] if ":" in line}


async def read_chunks(reader):
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        data = (await reader.readexactly(size + 2))[:-2]
        if size == 0:
            return
        yield data


async def read_response(reader, head_only=False):
    """(status, headers, body); None at the connection's orderly end."""
    head = await read_head(reader)
    if head is None:
        return None
    status, headers = head
    if head_only or status in (204, 304):
        return status, headers, b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return status, headers, b"".join([chunk async for chunk in read_chunks(reader)])
    if "content-length" in headers:
        return status, headers, await reader.readexactly(int(headers["content-length"]))
    return status, headers, await reader.read()


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
