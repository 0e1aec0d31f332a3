#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The chat page's picture of a server that runs where there is no browser, such as on a machine with a GPU.

    recording.py record http://127.0.0.1:8000 FILE [--clients 2] [--seconds 20]     needs Python alone
    recording.py picture FILE PICTURE.png [--dark]                                  needs Chromium, and websockets

`record` lets clients stream without pause, reads /metrics once a second as the page does, asks two questions as the page does, and
keeps every byte with its time. `picture` plays that to the page at the speed it had, and takes the picture when both are answered.
"""

import argparse
import base64
import http.client
import http.server
import json
import pathlib
import threading
import time
import urllib.parse

PAGE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "server" / "page" / "index.html"
QUESTIONS = ("What is 123 + 456?", "Extract name, age and city as JSON: Maria is 34 years old and lives in Lisbon.")


def connect(url):
    return http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)


def post(url, wish):
    connection = connect(url)
    connection.request("POST", "/v1/chat/completions", json.dumps(wish), {"Content-Type": "application/json"})
    return connection.getresponse()


def get(url, path):
    connection = connect(url)
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def keep_streaming(url, number, until):
    asked = 0
    while time.monotonic() < until:
        asked += 1
        wish = {"messages": [{"role": "user", "content": f"What is {number} + {asked}?"}], "stream": True, "max_tokens": 3500, "ignore_eos": True, "enable_thinking": False}
        post(url, wish).read()


def record(url, path, clients, seconds):
    begin = time.monotonic()
    load = [threading.Thread(target=keep_streaming, args=(url, i, begin + seconds)) for i in range(clients)]
    for client in load:
        client.start()
    metrics, streams, messages, asked = [], [], [], 0
    while time.monotonic() < begin + seconds:
        metrics.append(get(url, "/metrics"))
        if asked < len(QUESTIONS) and len(metrics) > seconds - 2 - len(QUESTIONS):
            messages.append({"role": "user", "content": QUESTIONS[asked]})
            asked += 1
            started, pieces = time.monotonic(), []
            answer = post(url, {"messages": messages, "stream": True, "stream_options": {"include_usage": True}, "enable_thinking": True})
            while piece := answer.read1():
                pieces.append((time.monotonic() - started, base64.b64encode(piece).decode()))
            streams.append(pieces)
            lines = b"".join(base64.b64decode(piece) for _, piece in pieces).decode().splitlines()
            chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
            messages.append({"role": "assistant", "content": "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])})
        time.sleep(max(0, begin + len(metrics) - time.monotonic()))
    for client in load:
        client.join()
    pathlib.Path(path).write_text(json.dumps({"models": get(url, "/v1/models"), "metrics": metrics, "streams": streams, "after": get(url, "/metrics")}))
    steps = [line for line in get(url, "/metrics").splitlines() if line.startswith("tenon:step_total")]
    print("\n".join(steps))


def player(recorded):
    """A handler that answers as the recorded server did, with its delays."""
    state = {"polls": 0, "answers": 0}

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def answer(self, kind, body):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            if self.path == "/metrics":
                state["polls"] += 1
                self.answer("text/plain", recorded["metrics"][min(state["polls"], len(recorded["metrics"])) - 1].encode())
            elif self.path == "/v1/models":
                self.answer("application/json", recorded["models"].encode())
            else:
                self.answer("text/html; charset=utf-8", PAGE.read_bytes())

        def do_POST(self):
            pieces = recorded["streams"][state["answers"]]
            state["answers"] += 1
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            began = time.monotonic()
            for moment, piece in pieces:
                time.sleep(max(0, moment - (time.monotonic() - began)))
                try:
                    self.wfile.write(base64.b64decode(piece))
                except ConnectionError:
                    return  # the page has what it wants

    return Handler


def picture(path, out, dark):
    from browser import Browser
    recorded = json.loads(pathlib.Path(path).read_text())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), player(recorded))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Browser(f"http://127.0.0.1:{server.server_port}/", width=1200, height=620, dark=dark) as tab:
        polls = len(recorded["metrics"]) - 2
        tab.wait(f"past.length >= {polls - 1}", seconds=120)
        for number, question in enumerate(QUESTIONS):
            tab.run("at('ask').focus()")
            tab.type(question)
            tab.press("Enter")
            tab.wait(f"at('stop').hidden && messages.length === {2 * number + 2}")
        tab.run("document.querySelector('details').open = true")
        tab.screenshot(out)
    server.shutdown()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    recorder = commands.add_parser("record")
    recorder.add_argument("url")
    recorder.add_argument("file")
    recorder.add_argument("--clients", type=int, default=2)
    recorder.add_argument("--seconds", type=int, default=20)
    painter = commands.add_parser("picture")
    painter.add_argument("file")
    painter.add_argument("picture")
    painter.add_argument("--dark", action="store_true")
    arguments = parser.parse_args()
    if arguments.command == "record":
        record(arguments.url, arguments.file, arguments.clients, arguments.seconds)
    else:
        picture(arguments.file, arguments.picture, arguments.dark)


if __name__ == "__main__":
    main()
