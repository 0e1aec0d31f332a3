# SPDX-License-Identifier: Apache-2.0
"""The lines of the README and of docs/how_to/run_the_server.md as they are printed, and wrk and slowhttptest."""

import re
import shutil
import subprocess
import sys
import time
import unittest

from serving import ROOT, Server, ServerTest

PAGES = ("README.md", "docs/how_to/run_the_server.md")


def blocks(page):
    """(language, text, what the page says that it prints) of each block that talks to the server, not of those that start it."""
    text = (ROOT / page).read_text()
    for match in re.finditer(r"^```(sh|python)\n(.*?)^```\n(?:\n*```text\n(.*?)^```\n)?", text, re.MULTILINE | re.DOTALL):
        if "127.0.0.1:8000" in match[2] and "quickstart" not in match[2]:
            yield match[1], match[2], match[3]


class Commands(ServerTest):
    def test_printed_lines_work_as_printed(self):
        found = [(page, *block) for page in PAGES for block in blocks(page)]
        self.assertLessEqual({"sh", "python"}, {language for _, language, _, _ in found})
        for page, language, text, expected in found:
            with self.subTest(page=page, text=text):
                text = text.replace("127.0.0.1:8000", self.server.host)
                command = ["bash", "-euo", "pipefail", "-c", text] if language == "sh" else [sys.executable, "-c", text]
                ran = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, cwd=ROOT)
                self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
                if expected:
                    self.assertIn(expected.strip(), ran.stdout)

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_wrk_on_health(self):
        ran = subprocess.run(["wrk", "-t2", "-c64", "-d3s", "--latency", self.server.url + "/health"], capture_output=True, text=True, timeout=60)
        self.assertNotIn("Non-2xx", ran.stdout)
        self.assertNotIn("Socket errors", ran.stdout)
        self.assertGreater(int(re.search(r"(\d+) requests in", ran.stdout)[1]), 1000, ran.stdout)

    def test_curl_streams_unbuffered(self):
        wish = '{"messages": [{"role": "user", "content": "hi"}], "stream": true, "max_tokens": 3000, "ignore_eos": true}'
        ran = subprocess.Popen(["curl", "-sN", self.server.url + "/v1/chat/completions", "-H", "Content-Type: application/json", "-d", wish],
                               stdout=subprocess.PIPE)
        self.assertTrue(ran.stdout.readline().startswith(b"data: {"))
        self.server.wait_until_running()  # the first tokens are here, and it is not at its end
        ran.terminate()
        ran.wait()
        ran.stdout.close()
        self.server.wait_until_idle()


@unittest.skipUnless(shutil.which("slowhttptest"), "slowhttptest is not installed")
class SlowClients(unittest.TestCase):
    def test_slow_headers_and_bodies_are_closed_by_their_deadline(self):
        with Server("--header-seconds", 2, "--body-grace-seconds", 2) as server:
            for kind in (["-H", "-i", "1"], ["-B", "-i", "1", "-s", "4096"]):
                with self.subTest(kind=kind):
                    slow = subprocess.Popen(["slowhttptest", *kind, "-c", "150", "-r", "150", "-l", "8", "-x", "8", "-p", "3",
                                             "-u", server.url + "/v1/completions"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                    time.sleep(1.5)  # while they are open, others are answered
                    self.assertEqual(server.chat("What is 1 + 2?", enable_thinking=False)[1]["choices"][0]["message"]["content"], "1 + 2 = 3")
                    text = re.sub(r"\x1b\[[0-9;]*m", "", slow.communicate(timeout=60)[0])
                    self.assertIn("No open connections left", text)
                    self.assertLess(int(re.search(r"Test ended on (\d+)th second", text)[1]), 7, text[-1500:])


if __name__ == "__main__":
    unittest.main()
