#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles FILE twice: compile_pair.py COMMAND_FILE FILE

As it is, it must compile. With -DTENON_COMPILE_FAIL it must not, and the compiler must say the text of every line
`// expect: <text>` of the file. So a refusal cannot rot into a file that fails for another reason.
"""

import pathlib
import re
import subprocess
import sys


def compile_file(command, file, *flags):
    """(succeeded, output)"""
    run = subprocess.run([*command, *flags, "-fsyntax-only", file], capture_output=True, text=True)
    return run.returncode == 0, run.stdout + run.stderr


def check(command, file):
    """Yields faults."""
    expected = re.findall(r"^// expect: (.+?)\s*$", pathlib.Path(file).read_text(encoding="utf-8"), re.MULTILINE)
    if not expected:
        yield "expected a line '// expect: <text>'"
        return
    succeeded, output = compile_file(command, file)
    if not succeeded:
        yield "must compile as it is, but:\n" + output
    succeeded, output = compile_file(command, file, "-DTENON_COMPILE_FAIL")
    if succeeded:
        yield "must not compile with -DTENON_COMPILE_FAIL, but does"
        return
    for text in expected:
        if text not in output:
            yield f"the compiler must say '{text}', but says:\n{output}"


def main():
    command = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    faults = list(check(command, sys.argv[2]))
    for fault in faults:
        print(f"{sys.argv[2]}: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
