#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the policy lab: every program of benchmarks/policies under one workload, one table and one chart.

    cmake --build --preset cuda --target policies                      # a minute of compiling each
    python3 benchmarks/policies/run.py build/cuda/benchmarks/policies --out lab
    python3 benchmarks/policies/run.py build/cuda/benchmarks/policies --out lab --only chunked_graph,fp16_graph
    python3 benchmarks/policies/run.py --read lab                      # tables and chart again, without a GPU

Writes to the folder --out one file of JSON lines for each measurement (clients, batch, ladder) and policies.svg, and
prints as Markdown: all combinations; memory and latency by batch size; requests a second and time to first token by
number of clients; and the ladder from static batches to steps planned ahead, each rung's gain over the one before.
TENON_COMMIT, where it is set, stands in every line.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "plot"))
import plot  # noqa: E402
import svg_chart  # noqa: E402

LADDER = [("static batches, a region a sequence", "static_contiguous_eager", 1),
          ("the same over pages", "static_paged_eager", 1),
          ("continuous batching, prompts first", "prefill_first_eager", 1),
          ("prompts in chunks", "chunked_eager", 1),
          ("decode steps replayed as graphs", "chunked_graph", 1),
          ("steps planned ahead (depth 2)", "chunked_graph", 2)]
BATCH = ["chunked_graph", "contiguous_graph", "page_16_graph", "fp16_graph"]
AXES = ["precision", "attention", "cache", "scheduler", "launch", "sampler"]


def programs_in(folder):
    return sorted(p.name for p in folder.iterdir() if p.is_file() and os.access(p, os.X_OK) and p.suffix == "")


def run_program(folder, name, arguments, timeout=120):
    """The JSON lines that a program printed; a program that is not there or fails is reported and left out."""
    if not (folder / name).exists():
        print(f"{name}: not built", file=sys.stderr)
        return []
    try:
        done = subprocess.run([str(folder / name), *map(str, arguments)], capture_output=True, text=True,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        print(f"{name}: took longer than {timeout} s", file=sys.stderr)
        return []
    if done.returncode != 0:
        print(f"{name}: exit code {done.returncode}: {done.stderr.strip()[-300:]}", file=sys.stderr)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def measure(folder, options):
    """JSON lines by measurement."""
    found = {"clients": [], "batch": [], "ladder": []}
    names = options.only.split(",") if options.only else programs_in(folder)
    parts = options.parts.split(",")
    if "clients" in parts:
        for name in names:
            print(f"{name} ...", file=sys.stderr)
            found["clients"] += run_program(folder, name, ["--concurrency", options.concurrency])
    if "batch" in parts:
        for name in names if options.only else BATCH:
            found["batch"] += run_program(folder, name, ["--batch", options.batch])
    if "ladder" in parts:
        for _, name, depth in LADDER:
            found["ladder"] += run_program(folder, name, ["--concurrency", options.ladder_clients, "--requests",
                                                          options.ladder_requests, "--depth", depth])
    return found


def table(title, head, rows):
    if not rows:
        return
    print(f"\n### {title}\n\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def one(lines, kind, recipe):
    return next((line for line in lines if line["benchmark"] == kind and plot.lab_name(line) == recipe), None)


def all_combinations(lines):
    loops = plot.of_kind(lines, "policies/closed_loop")
    clients = sorted({line["concurrency"] for line in loops})
    shown = [clients[0], clients[-1]] if clients else []
    head = ["recipe", *AXES, "device GB", "ms a token, batch 1"]
    for count in shown:
        head += [f"c = {count}: tokens/s", "TTFT p50 / p99 ms", "ITL p50 / p99 ms"]
    rows = []
    for recipe in dict.fromkeys(plot.lab_name(line) for line in loops):
        memory, single = one(lines, "policies/memory", recipe), one(lines, "policies/batch_1", recipe)
        row = [recipe, *(memory[axis] for axis in AXES), f"{memory['device_bytes'] * 1e-9:.2f}",
               f"{single['ms_a_token']:.3f}" if single else ""]
        for count in shown:
            loop = next((l for l in loops if plot.lab_name(l) == recipe and l["concurrency"] == count), None)
            row += [f"{loop['tokens_s']:.0f}", f"{loop['ttft_p50_ms']:.1f} / {loop['ttft_p99_ms']:.1f}",
                    f"{loop['itl_p50_ms']:.2f} / {loop['itl_p99_ms']:.2f}"] if loop else ["", "", ""]
        rows.append(row)
    table("All combinations", head, rows)


def by_batch(lines):
    rows = [(plot.lab_name(line), line["rows"], line["context"], f"{line['ms_a_step']:.3f}",
             f"{line['tokens_s']:.0f}", f"{line['held_bytes'] * 1e-6:.0f}", f"{line['engine_bytes'] * 1e-9:.2f}")
            for line in plot.of_kind(lines, "policies/batch")]
    table("Memory and latency by batch size",
          ["recipe", "rows", "context", "ms a step", "tokens/s", "cache held, MB", "engine for these rows, GB"], rows)


def by_clients(lines):
    loops = plot.of_kind(lines, "policies/closed_loop")
    clients = sorted({line["concurrency"] for line in loops})
    rows = []
    for recipe in dict.fromkeys(plot.lab_name(line) for line in loops):
        mine = {line["concurrency"]: line for line in loops if plot.lab_name(line) == recipe}
        rows.append([recipe] + [f"{mine[c]['requests_s']:.1f}; {mine[c]['ttft_p50_ms']:.1f} / {mine[c]['ttft_p99_ms']:.1f}"
                                if c in mine else "" for c in clients])
    table("Requests a second; time to first token, p50 / p99 ms, by clients",
          ["recipe", *(f"c = {c}" for c in clients)], rows)


def ladder(lines):
    rows, before = [], None
    for title, recipe, depth in LADDER:
        line = next((l for l in plot.of_kind(lines, "policies/closed_loop")
                     if l["recipe"] == recipe and l["depth"] == depth), None)
        if line is None:
            continue
        gain = f"{100 * (line['tokens_s'] / before['tokens_s'] - 1):+.1f} %" if before else ""
        rows.append([title, plot.lab_name(line), line["max_rows"], f"{line['requests_s']:.1f}", f"{line['tokens_s']:.0f}", gain,
                     f"{line['ttft_p50_ms']:.1f} / {line['ttft_p99_ms']:.1f}",
                     f"{line['itl_p50_ms']:.2f} / {line['itl_p99_ms']:.2f}"])
        before = line
    table("The ladder: the same requests and bytes of cache, one change a rung",
          ["rung", "recipe", "rows at most", "requests/s", "tokens/s", "gain", "TTFT p50 / p99 ms",
           "ITL p50 / p99 ms"], rows)
    return rows


def chart(lines, rungs, note, path):
    panels = [panel for panel in plot.policies_panels(lines) if panel.series]
    if rungs:
        panels.append(svg_chart.Panel("The ladder", "", "tokens/s", {"tokens/s": [float(row[4]) for row in rungs]},
                                      labels=[row[1].replace(", ", "\n").replace("_", "\n") for row in rungs], bars=True))
    if panels:
        svg_chart.write(path, panels, note=note)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="?", help="the folder of the built programs")
    parser.add_argument("--out", help="folder for lines and chart")
    parser.add_argument("--read", help="folder of an earlier run: measure nothing")
    parser.add_argument("--only", default="", help="programs, with commas between them")
    parser.add_argument("--parts", default="clients,batch,ladder")
    parser.add_argument("--concurrency", default="1,2,4,8,16,32")
    parser.add_argument("--batch", default="1,2,4,8,16,32,64")
    parser.add_argument("--ladder-clients", default="32")
    parser.add_argument("--ladder-requests", type=int, default=256)
    options = parser.parse_args()
    folder = pathlib.Path(options.read or options.out or parser.error("expected --out or --read"))
    if options.read:
        found = {part: plot.read_lines([folder / f"{part}.jsonl"]) for part in ("clients", "batch", "ladder")
                 if (folder / f"{part}.jsonl").exists()}
    else:
        if options.programs is None:
            parser.error("expected the folder of the built programs")
        folder.mkdir(parents=True, exist_ok=True)
        found = measure(pathlib.Path(options.programs), options)
        for part, lines in found.items():
            (folder / f"{part}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    note = plot.note_of([line for part in found.values() for line in part])
    print(note)
    all_combinations(found.get("clients", []))
    by_batch(found.get("batch", []))
    by_clients(found.get("clients", []))
    chart(found.get("clients", []) + found.get("batch", []), ladder(found.get("ladder", [])), note,
          folder / "policies.svg")


if __name__ == "__main__":
    main()
