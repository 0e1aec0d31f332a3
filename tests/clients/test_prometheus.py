# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the server, and answers queries about it; so does the dashboard's every expression."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from serving import ROOT, ServerTest, free_port

HISTOGRAMS = ("time_to_first_token_seconds", "inter_token_latency_seconds", "time_per_output_token_seconds", "e2e_request_latency_seconds",
              "request_queue_time_seconds", "request_prefill_time_seconds", "request_decode_time_seconds")
COUNTERS = ("prompt_tokens_total", "generation_tokens_total", "prefix_cache_queries_total", "prefix_cache_hits_total", "num_preemptions_total",
            "request_success_total")
GAUGES = ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc")


class Prometheus:
    def __init__(self, target):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tenon_prometheus_"))
        self.url = f"http://127.0.0.1:{free_port()}"
        (self.directory / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            f"scrape_configs: [{{job_name: tenon, static_configs: [{{targets: ['{target}']}}]}}]\n")
        self.log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.directory}/prometheus.yml", f"--storage.tsdb.path={self.directory}/data",
             f"--web.listen-address={self.url[7:]}"], stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def ask(self, path, **query):
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        return [(sample["metric"], float(sample["value"][1])) for sample in self.ask("query", query=expression)["result"]]

    def wait(self, true, seconds=30):
        deadline = time.monotonic() + seconds
        while True:
            try:
                if true():
                    return
            except (OSError, IndexError):
                pass  # it has not begun, or has scraped nothing yet
            if time.monotonic() > deadline:
                raise AssertionError("Prometheus did not scrape in time: " + (self.directory / "log").read_text()[-2000:])
            time.sleep(0.2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


@unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
class Scraping(ServerTest):
    def test_prometheus_reads_every_metric(self):
        for thinking in (False, True):
            self.assertEqual(self.server.chat("What is 1 + 2?", enable_thinking=thinking)[0], 200)
        with Prometheus(self.server.host) as watch:
            watch.wait(lambda: watch.query("sum(vllm:request_success_total)")[0][1] == 2)
            target = watch.ask("targets")["activeTargets"][0]
            self.assertEqual((target["health"], target["lastError"]), ("up", ""))
            for prefix in ("vllm:", "tenon:"):
                for name in (*COUNTERS, *GAUGES):
                    samples = watch.query(prefix + name)
                    self.assertTrue(samples, prefix + name)
                    self.assertTrue(all("model_name" in labels for labels, _ in samples), prefix + name)
                for name in HISTOGRAMS:
                    self.assertGreater(watch.query(f"sum({prefix}{name}_count)")[0][1], 0, name)
                    self.assertGreaterEqual(watch.query(f"histogram_quantile(0.99, sum by (le) ({prefix}{name}_bucket))")[0][1], 0)
            self.assertGreater(watch.query("sum(tenon:step_total)")[0][1], 0)
            self.assertEqual({labels["kind"] for labels, _ in watch.query("tenon:step_total")} - {"replay", "eager"}, set())
            kinds = {labels["kind"] for labels, _ in watch.query("tenon:device_memory_bytes")}
            self.assertLessEqual({"weights", "cache", "workspace"}, kinds)
            self.assertTrue(watch.query("tenon:batch_rows") and watch.query("tenon:device_busy_ratio"))
            info = watch.query("vllm:cache_config_info")[0][0]
            self.assertGreater(int(info["num_gpu_blocks"]) * int(info["block_size"]), 0)
            self.assertEqual(watch.query("sum(vllm:e2e_request_latency_seconds_count)"), watch.query("sum(vllm:request_success_total)"))
            types = {name: about[0]["type"] for name, about in watch.ask("metadata", limit=1000).items()}
            self.assertEqual({types["vllm:" + name] for name in HISTOGRAMS}, {"histogram"})
            self.assertEqual({types["vllm:" + name] for name in GAUGES}, {"gauge"})
            self.check_dashboard(watch)

    def check_dashboard(self, watch):
        boards = list((ROOT / "examples" / "server").glob("**/*dashboard*.json"))
        self.assertTrue(boards, "no dashboard")
        variables = {"$__rate_interval": "5s", "$__interval": "5s", "$__range": "60s", "$model_name": ".*", "$model": ".*", "${model_name}": ".*"}
        expressions = [target["expr"] for board in boards for panel in panels_of(json.loads(board.read_text())) for target in panel.get("targets", ())]
        self.assertGreater(len(expressions), 8)
        for expression in expressions:
            for name, value in variables.items():
                expression = expression.replace(name, value)
            with self.subTest(expression=expression):
                try:
                    watch.query(expression)
                except urllib.error.HTTPError as refused:
                    self.fail(f"{expression}: {refused.read().decode()}")


def panels_of(board):
    for panel in board.get("panels", ()):
        yield panel
        yield from panels_of(panel)


if __name__ == "__main__":
    unittest.main()
