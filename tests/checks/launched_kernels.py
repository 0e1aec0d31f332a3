#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails if a kernel of include/tenon is launched by none of these suites: launched_kernels.py PROGRAM SUITE...

Needs a GPU and Nsight Compute's ncu, which tells the names of what is launched, also by replayed graphs.
"""

import pathlib
import re
import subprocess
import sys

KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\(.*?\)\s+)?(\w+)\(", re.DOTALL)
NEVER_LAUNCHED = {"any_kernel"}  # is there to be asked for its attributes


def main():
    program, suites = sys.argv[1], sys.argv[2:]
    include = pathlib.Path(__file__).resolve().parents[2] / "include"
    kernels = {}
    for header in sorted(include.rglob("*.cuh")):
        for name in KERNEL.findall(header.read_text()):
            kernels[name] = header.relative_to(include)
    command = ["ncu", "--metrics", "smsp__cycles_elapsed.max", "--print-kernel-base", "function", "--csv", program]
    running = [
        subprocess.Popen([*command, f"--run_test={suite}"], stdout=subprocess.PIPE, text=True) for suite in suites
    ]
    launched = set()
    for suite, process in zip(suites, running):
        output, _ = process.communicate()
        names = re.findall(r'^"\d+","\d+","[^"]*","[^"]*","(?:[^"]*::)?(\w+)["<(]', output, re.MULTILINE)
        if process.returncode != 0 or not names:
            print(f"{suite}: ncu exited with {process.returncode}:\n{output[-2000:]}")
            return 1
        launched.update(names)
    expected = kernels.keys() - NEVER_LAUNCHED
    missing = sorted(expected - launched)
    for name in missing:
        print(f"{kernels[name]}: {name} is launched by none of {', '.join(suites)}")
    print(f"{len(expected) - len(missing)} of {len(expected)} kernels are launched")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
