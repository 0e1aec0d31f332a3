#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Charts (SVG) of what the benchmarks print (JSON lines).

    python3 benchmarks/plot/plot.py decode    speed.jsonl... --out decode.svg     benchmarks/engine/speed_*
    python3 benchmarks/plot/plot.py prefill   speed.jsonl... --out prefill.svg    benchmarks/engine/speed_*
    python3 benchmarks/plot/plot.py timeline  op_timeline.jsonl --out timeline.svg
    python3 benchmarks/plot/plot.py attention attention.jsonl... --out attention.svg
    python3 benchmarks/plot/plot.py policies  lab.jsonl... --out policies.svg     benchmarks/policies/*
    python3 benchmarks/plot/plot.py serving   load.jsonl... --out serving.svg     benchmarks/serving/*

Lines that are not JSON are skipped, so that a program's whole output will do.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import svg_chart  # noqa: E402

# layers, hidden, query width, key/value width, ffn, vocabulary
SHAPES = {"Qwen3-1.7B": (28, 2048, 2048, 1024, 6144, 151936), "Qwen2.5-7B": (28, 3584, 3584, 512, 18944, 152064)}
PEAK_GB_S = {"NVIDIA H100 80GB HBM3": 3352, "NVIDIA H200": 4800}


def read_lines(paths):
    found = []
    for path in paths:
        for line in open(path, encoding="utf-8", errors="replace"):
            if line.startswith("{"):
                try:
                    found.append(json.loads(line))
                except json.JSONDecodeError:
                    print(f"{path}: skipped {line[:60]}...", file=sys.stderr)
    return found


def of_kind(lines, kind):
    return [line for line in lines if line.get("benchmark") == kind]


def note_of(lines):
    """Device, clocks, commit and date of the first line that has them."""
    for line in lines:
        if "device" in line:
            clocks = f", {line['sm_mhz']} / {line['memory_mhz']} MHz" if "sm_mhz" in line else ""
            return f"{line['device']}{clocks}, commit {line.get('commit', '?')}, {line.get('date', '?')}"
    return ""


def series_by(lines, name, x, y):
    """Points of each series; of points with one x the last counts."""
    found = {}
    for line in lines:
        found.setdefault(name(line), {})[x(line)] = y(line)
    return {key: sorted(points.items()) for key, points in found.items()}


def decode_panels(lines):
    panels = []
    decode = of_kind(lines, "engine/decode")
    for model in dict.fromkeys(line["model"] for line in decode):
        mine = [line for line in decode if line["model"] == model]
        peak = PEAK_GB_S.get(mine[0].get("device", ""), 0)
        name = lambda line: f"context {line['context']}"
        milliseconds = series_by(mine, name, lambda line: line["rows"], lambda line: line["ms_a_step"])
        for line in of_kind(lines, "transformers/decode"):
            if line["model"] == model:
                milliseconds.setdefault("transformers, compiled", []).append((line["rows"], line["median_ms"]))
        panels.append(svg_chart.Panel(f"{model}: decode", "rows", "ms a step", milliseconds, log_x=True))
        # bytes that a step must read, a second, of the device's peak
        used = series_by(mine, name, lambda line: line["rows"], lambda line: (
            line["gigabytes_a_step"] / line["ms_a_step"] * 1e5 / peak if peak else 100 * line["of_read_stream"]))
        stream = 100 * mine[0]["read_gb_s"] / peak if peak else 100.0
        panels.append(svg_chart.Panel(f"{model}: bandwidth used by decode", "rows",
                                      "% of the peak bandwidth" if peak else "% of a read stream", used, log_x=True,
                                      rule=stream, rule_name="a read-only stream, same run"))
    return panels


def prefill_flops(model, length):
    """Products of a prompt of this length, half of attention's square, and the head for one token."""
    layers, hidden, query, kv, ffn, vocabulary = SHAPES[model]
    layer = hidden * (query + 2 * kv) + query * hidden + 3 * ffn * hidden
    return 2.0 * layers * layer * length + 2.0 * layers * query * length * length + 2.0 * vocabulary * hidden


def prefill_panels(lines):
    rate, time = {}, {}
    for kind, title in (("engine/prefill", ""), ("transformers/prefill", ", transformers")):
        for line in of_kind(lines, kind):
            if line["model"] not in SHAPES:
                continue
            name = line["model"] + title
            flops = prefill_flops(line["model"], line["length"])
            rate.setdefault(name, []).append((line["length"], flops / line["median_ms"] * 1e-9))
            time.setdefault(name, []).append((line["length"], line["median_ms"]))
    return [svg_chart.Panel("Prefill", "tokens of the prompt", "TFLOP/s", rate, log_x=True),
            svg_chart.Panel("Time to the first id", "tokens of the prompt", "ms", time, log_x=True, log_y=True)]


def timeline_panels(lines):
    panels = []
    for line in of_kind(lines, "engine/op_timeline"):
        layer = [op for op in line["ops"] if op["count"] > 1]
        stream = [op["bytes"] / line["read_gb_s"] * 1e-3 for op in layer]
        exposed = [op["us"] - streamed for op, streamed in zip(layer, stream)]
        labels = [(op["op"] or op["kernel"]).replace(" (", "\n(").replace("linear_residual", "linear") for op in layer]
        title = f"{line['model']}, {line['rows']} x {line['context']}: {line['step_us'] / 1000:.3f} ms a step"
        panels.append(svg_chart.Panel(title, "", "µs a layer",
                                      {"its bytes at the stream's rate": stream, "exposed beyond them": exposed},
                                      labels=labels, bars=True, stacked=True))
    return panels


def attention_panels(lines):
    panels = []
    prefill = of_kind(lines, "attention/paged_prefill")
    for heads in dict.fromkeys((line["query_heads"], line["kv_heads"]) for line in prefill):
        mine = [line for line in prefill if (line["query_heads"], line["kv_heads"]) == heads]
        rate = series_by(mine, lambda line: line["policy"], lambda line: line["length"], lambda line: line["tflop_s"])
        panels.append(svg_chart.Panel(f"Causal attention, {heads[0]} query, {heads[1]} key/value heads",
                                      "tokens of the prompt", "TFLOP/s", rate, log_x=True))
    decode = [line for line in lines if "us_a_layer" in line]
    for heads in dict.fromkeys((line["kv_heads"], line["group"]) for line in decode):
        mine = [line for line in decode if (line["kv_heads"], line["group"]) == heads and line["page_tokens"] == 64]
        used = series_by(mine, lambda line: f"{line['kernel']}, {line['rows']} rows", lambda line: line["context"],
                         lambda line: 100 * line["of_read_stream"])
        if used:
            panels.append(svg_chart.Panel(f"Decode attention, {heads[0]} key/value heads, group {heads[1]}", "context",
                                          "% of a read stream", used, log_x=True, rule=100, rule_name="read stream"))
    return panels


def lab_name(line):
    return line["recipe"] + (f", depth {line['depth']}" if line["depth"] > 1 else "")


def policies_ranked(loops):
    """Many recipes with the most clients and with one, the one of most tokens first: their lines would hide each other."""
    most = max(line["concurrency"] for line in loops)
    order = sorted((line for line in loops if line["concurrency"] == most), key=lambda line: -line["tokens_s"])
    single = {lab_name(line): line for line in loops if line["concurrency"] == 1}
    ranked = lambda title, unit, value, log_y=False: svg_chart.Panel(
        title, y=unit, series={lab_name(line): value(line) for line in order}, ranked=True, log_y=log_y)
    panels = [ranked(f"Throughput, {most} clients", "tokens/s", lambda line: line["tokens_s"]),
              ranked(f"Time to first token (median), {most} clients", "ms", lambda line: line["ttft_p50_ms"], True),
              ranked(f"Inter-token latency (p99), {most} clients", "ms", lambda line: line["itl_p99_ms"])]
    if all(lab_name(line) in single for line in order):
        panels.append(ranked("Inter-token latency (median), one client", "ms",
                             lambda line: single[lab_name(line)]["itl_p50_ms"]))
    return panels


def policies_panels(lines):
    loops = of_kind(lines, "policies/closed_loop")
    panels = policies_ranked(loops) if len({lab_name(line) for line in loops}) > 8 else []
    at = lambda key, title, log_y=False: svg_chart.Panel(
        title.split(",")[0], "clients", title.split(", ")[-1],
        series_by(loops, lab_name, lambda line: line["concurrency"], lambda line: line[key]), log_x=True, log_y=log_y)
    if loops and not panels:
        panels = [at("tokens_s", "Throughput, tokens/s"), at("ttft_p50_ms", "Time to first token (median), ms", True),
                  at("itl_p50_ms", "Inter-token latency (median), ms"),
                  at("itl_p99_ms", "Inter-token latency (p99), ms", True)]
    batches = of_kind(lines, "policies/batch")
    if batches:
        by = lambda y: series_by(batches, lab_name, lambda line: line["rows"], y)
        context = batches[0]["context"]
        panels += [svg_chart.Panel(f"Decode step, context {context}", "rows", "ms", by(lambda line: line["ms_a_step"]),
                                   log_x=True),
                   svg_chart.Panel("Device memory of an engine for so many rows", "rows", "GB",
                                   by(lambda line: line["engine_bytes"] * 1e-9), log_x=True)]
    return panels


def serving_panels(lines):
    """A panel a figure for lines of a closed loop, and then for those of an open one."""
    panels = []
    for x, users in (("concurrency", "clients"), ("rate", "users a second")):
        mine = [line for kind in ("serving/load", "serving/bare_engine") for line in of_kind(lines, kind) if x in line]
        if not mine:
            continue
        def name(line):
            what = "engine alone" if line["benchmark"] == "serving/bare_engine" else "server"
            return ", ".join(part for part in (line.get("name", ""), what) if part)
        def panel(title, unit, value, log_y=False):
            held = [line for line in mine if value(line) is not None]
            return svg_chart.Panel(title, users, unit, series_by(held, name, lambda line: line[x], value), log_x=True,
                                   log_y=log_y)
        def part(key, which):
            return lambda line: line[key][which] if line[key] else None
        panels += [panel("Throughput", "tokens/s", lambda line: line["tokens_s"]),
                   panel("Requests", "requests/s", lambda line: line["requests_s"]),
                   panel("Time to first token (median)", "ms", part("ttft_ms", "p50"), True),
                   panel("Time to first token (p99)", "ms", part("ttft_ms", "p99"), True),
                   panel("Between tokens (median)", "ms", part("itl_ms", "p50")),
                   panel("Between tokens (p99)", "ms", part("itl_ms", "p99"), True),
                   panel("Device busy", "%", lambda line: 100 * line["busy"] if "busy" in line else None)]
    return panels


PANELS = {"decode": decode_panels, "prefill": prefill_panels, "timeline": timeline_panels,
          "attention": attention_panels, "policies": policies_panels,
          "serving": serving_panels}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chart", choices=PANELS)
    parser.add_argument("lines", nargs="+", help="files of JSON lines")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    lines = read_lines(options.lines)
    panels = [panel for panel in PANELS[options.chart](lines) if panel.series]
    if not panels:
        sys.exit(f"{options.chart}: no line of the input is of this kind")
    svg_chart.write(options.out, panels, note=note_of(lines))


if __name__ == "__main__":
    main()
