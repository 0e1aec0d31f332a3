#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of the server's clients: run.py [--server PROGRAM] [name...]

Each tests/clients/test_<name>.py by itself, with a time limit. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

LIMIT = 300  # seconds a file


def run(path):
    """(passed, failed, skipped, what it said)."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        test = subprocess.Popen([sys.executable, str(path), "-v"], cwd=path.parent, stdout=output, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            status, late = test.wait(timeout=LIMIT), ""
        except subprocess.TimeoutExpired:
            os.killpg(test.pid, signal.SIGKILL)  # with the servers and browsers that it started
            status, late = test.wait(), f"\nno end within {LIMIT} s\n"
        output.seek(0)
        said = output.read() + late
    count = re.search(r"^Ran (\d+) tests? in ", said, re.MULTILINE)
    ended = re.search(r"^(?:OK|FAILED)(?: \((.*)\))?$", said, re.MULTILINE)
    if not count or not ended:
        return 0, 1, 0, said
    kinds = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", ended[1] or "")}
    failed, skipped = kinds.get("failures", 0) + kinds.get("errors", 0), kinds.get("skipped", 0)
    failed = failed or int(status != 0)
    return max(0, int(count[1]) - failed - skipped), failed, skipped, said


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", help="the program; default: $TENON_SERVER or build/host/examples/server")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if arguments.server:
        os.environ["TENON_SERVER"] = str(pathlib.Path(arguments.server).resolve())
    here = pathlib.Path(__file__).resolve().parent
    totals = [0, 0, 0]
    for path in sorted(here.glob("test_*.py")):
        if arguments.names and path.stem.removeprefix("test_") not in arguments.names:
            continue
        started = time.monotonic()
        *counts, said = run(path)
        totals = [total + count for total, count in zip(totals, counts)]
        print(f"{path.stem}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped ({time.monotonic() - started:.0f} s)", flush=True)
        if counts[1]:
            print("\n".join("    " + line for line in said[-12000:].splitlines()), flush=True)
        for line in re.findall(r"^.* \.\.\. skipped .*$", said, re.MULTILINE):
            print("    " + line, flush=True)
    print("{} passed, {} failed, {} skipped".format(*totals))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
