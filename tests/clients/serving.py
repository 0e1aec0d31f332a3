# SPDX-License-Identifier: Apache-2.0
"""Starts the server on a free port, asks it what it holds, and stops it.

The program is $TENON_SERVER or build/host/examples/server, the model examples/tiny_model.
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "examples" / "tiny_model"
THREADS = min(4, len(os.sched_getaffinity(0)))


def tool(name):
    """Where a program is, or None: system programs are not on every user's path."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def program():
    return pathlib.Path(os.environ.get("TENON_SERVER", ROOT / "build" / "host" / "examples" / "server"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def parse_metrics(text):
    """Prometheus text as {name: [(labels, value)]}."""
    found = {}
    for line in text.splitlines():
        if match := re.fullmatch(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)", line):
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            found.setdefault(match[1], []).append((labels, float(match[3])))
    return found


def total(metrics, name, **labels):
    return sum(value for have, value in metrics.get(name, ()) if all(have.get(k) == v for k, v in labels.items()))


class Server:
    """`with Server("--strict") as server:` … `server.url`. Leaving it stops it with SIGTERM and expects status 0."""

    def __init__(self, *options, environment=None, ready=60, threads=THREADS):
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self.log = tempfile.NamedTemporaryFile(prefix="tenon_server_", suffix=".log", delete=False)
        command = [str(program()), "--model", str(MODEL), "--port", str(self.port), "--threads", str(threads), *map(str, options)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                        env={**os.environ, **(environment or {})})
        self._wait_until_ready(ready)

    def _wait_until_ready(self, seconds):
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.get("/health/ready", timeout=2)[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(f"the server is not ready; status {self.process.wait()}, its log:\n{self.text_of_log()}")
            time.sleep(0.02)

    def text_of_log(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def request(self, method, path, body=None, headers=None, timeout=60):
        """(status, headers, body as text) of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            text = json.dumps(body) if isinstance(body, (dict, list)) else body
            kind = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, text, {**kind, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def get(self, path, **options):
        status, _, text = self.request("GET", path, **options)
        return status, text

    def post(self, path, body, **options):
        status, _, text = self.request("POST", path, body, **options)
        return status, json.loads(text)

    def chat(self, text, **fields):
        return self.post("/v1/chat/completions", {"messages": [{"role": "user", "content": text}], **fields})

    def metrics(self, **options):
        return parse_metrics(self.get("/metrics", **options)[1])

    def running(self):
        found = self.metrics()
        return total(found, "vllm:num_requests_running"), total(found, "vllm:num_requests_waiting")

    def wait_until_running(self, count=1, seconds=20):
        """So many requests run. Figures are published after a step: a client may have its tokens before."""
        deadline = time.monotonic() + seconds
        while (found := self.running())[0] != count:
            if time.monotonic() > deadline:
                raise AssertionError(f"expected {count} running requests, found {found[0]:.0f}, and {found[1]:.0f} waiting")
            time.sleep(0.005)

    def wait_until_idle(self, seconds=20):
        """Nothing runs or waits, and no part of the cache is in use: every page came back."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.metrics()
            state = [total(found, "vllm:" + name) for name in ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc")]
            if not any(state):
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"not idle after {seconds} s: running, waiting and cache in use are {state}")
            time.sleep(0.01)

    def resident_bytes(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self, expected=0, seconds=60):
        """SIGTERM, then the exit status, which must be `expected`."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(expected, seconds)

    def wait(self, expected=0, seconds=60):
        """The exit status of a server that was told to stop."""
        try:
            status = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end within {seconds} s of SIGTERM; its log ends\n{self.text_of_log()[-2000:]}") from None
        finally:
            self.log.close()
        if expected is not None and status != expected:
            raise AssertionError(f"the server ended with status {status}; its log ends\n{self.text_of_log()[-4000:]}")
        pathlib.Path(self.log.name).unlink(missing_ok=True)
        return status

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:  # the test has failed already, and its own words matter
            self.process.kill()
            self.process.wait()


class ServerTest(unittest.TestCase):
    """A suite with one server, started with `options`; after every test it must be idle, with every page back."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def tearDown(self):
        self.assertIsNone(self.server.process.poll(), "the server is gone")
        self.server.wait_until_idle()
