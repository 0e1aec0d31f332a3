# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven through the DevTools protocol."""

import base64
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

from websockets.sync.client import connect


def chromium():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One tab: `with Browser(url) as tab: tab.run("document.title")`. Errors that the page throws end up in `faults`."""

    def __init__(self, url="about:blank", width=1200, height=800, dark=False):
        self.profile = tempfile.mkdtemp(prefix="tenon_browser_")
        self.process = subprocess.Popen(
            [chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run",
             "--disable-extensions", "--disable-background-networking", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--force-color-profile=srgb", "--lang=en", f"--user-data-dir={self.profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.faults, self.requests, self.number = [], [], 0
        try:
            self.connection = connect(self._address(), max_size=None)
            self.socket = self.connection.__enter__()
            target = self.send("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.send(domain + ".enable")
            self.resize(width, height)
            self.scheme(dark)
            self.open(url)
        except BaseException:
            self.close()
            raise

    def _address(self):
        port_file = pathlib.Path(self.profile) / "DevToolsActivePort"
        for _ in range(600):
            lines = port_file.read_text().split() if port_file.exists() else []
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.05)
        raise RuntimeError("the browser did not start")

    def send(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv(timeout=60))
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._notice(answer)

    def _notice(self, event):
        """Keeps what a test wants to know of what happened by itself."""
        about = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.faults.append(about["exceptionDetails"].get("exception", {}).get("description", "?"))
        elif event.get("method") == "Log.entryAdded" and about["entry"]["level"] == "error" and about["entry"]["source"] != "network":
            self.faults.append(about["entry"]["text"])
        elif event.get("method") == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])

    def open(self, url):
        self.send("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def resize(self, width, height):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, dark):
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def run(self, expression):
        """The value of a JavaScript expression; a promise is awaited."""
        result = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails'].get('exception', {}).get('description')}")
        return result["result"].get("value")

    def wait(self, expression, seconds=30):
        deadline = time.monotonic() + seconds
        while not self.run(expression):
            if time.monotonic() > deadline:
                raise AssertionError(f"did not come true within {seconds} s: {expression}; the page shows\n{self.run('document.body.innerText')}")
            time.sleep(0.02)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def press(self, key, shift=False):
        codes = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), " ": (32, " "), "/": (191, "/")}
        code, text = codes[key]
        about = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": text} if text else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        if hasattr(self, "socket"):
            self.connection.__exit__(None, None, None)
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
