#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the ```cpp blocks of a page into .cpp files, and compiles them if asked to.

extract_snippets.py PAGE DIRECTORY [COMMAND_FILE]

- A block with an #include is a file of its own.
- The other blocks of a page make one file, after an #include of every umbrella header: each block in its own namespace,
  and there in a function, unless a line of it defines a template, a function, a namespace or a concept.
- A comment `<!-- cpp ... -->` before a block is code that the reader is spared, put before the block.
- A comment `<!-- cpp continues -->` before a block makes it a part of the block before it.
- No other word may follow ```cpp: there is no way to keep a block from being compiled.
"""

import pathlib
import re
import subprocess
import sys

UMBRELLAS = ["tenon.hpp", "cpu.hpp", "checkpoint.hpp", "text.hpp"]
STANDARD = ["cstdint", "cstdio", "filesystem", "functional", "iostream", "memory", "optional", "span", "string", "string_view", "vector"]
PREAMBLE = "".join(f"#include <{h}>\n" for h in STANDARD) + "".join(
    f"#if __has_include(<tenon/{h}>)\n#include <tenon/{h}>\n#endif\n" for h in UMBRELLAS)

FENCE = re.compile(r"^\s*```(.*?)\s*$")
COMMENT = re.compile(r"<!--\s*cpp\b(.*?)-->", re.DOTALL)
NOT_A_STATEMENT = re.compile(
    r"^(template|namespace|concept|inline|extern|int main)\b"
    r"|^(?!if|while|for|switch|do|else|try|catch|return|co_)[\w:<>,&*\s]+\s[\w:]+\([^=]*\)[\w\s]*\{\s*$", re.MULTILINE)


class Block:
    def __init__(self, line, hidden, code):
        self.line, self.hidden, self.code = line, hidden, code


def blocks_of(text, page):
    """The cpp blocks of a page, with the hidden code before each; raises ValueError for a fence it does not know."""
    blocks, between, lines = [], [], text.splitlines()
    i = 0
    while i < len(lines):
        match = FENCE.match(lines[i])
        if not match:
            between.append(lines[i])
            i += 1
            continue
        language, start = match.group(1), i + 1
        i += 1
        while i < len(lines) and not FENCE.match(lines[i]):
            i += 1
        if i == len(lines):
            raise ValueError(f"{page}:{start}: a fence without its end")
        code = "\n".join(lines[start:i])
        i += 1
        if re.match(r"(cpp|c\+\+|cxx|cuda)\b", language, re.IGNORECASE) and language not in ("cpp", "cuda"):
            raise ValueError(f"{page}:{start}: expected ```cpp alone, found ```{language}: every block is compiled")
        if language == "cpp":
            add_block(blocks, start + 1, COMMENT.findall("\n".join(between)), code, page)
        between = []
    return blocks


def add_block(blocks, line, comments, code, page):
    hidden = "\n".join(c.strip() for c in comments if c.strip() != "continues")
    block = Block(line, hidden, f'#line {line} "{page}"\n{code}')
    if any(c.strip() == "continues" for c in comments):
        if not blocks:
            raise ValueError(f"{page}:{line}: nothing to continue")
        blocks[-1].code += f"\n{hidden}\n{block.code}"
    else:
        blocks.append(block)


def files_for(blocks):
    """Name -> text of the files that a page's blocks become."""
    files, together = {}, ""
    for block in blocks:
        if re.search(r"^\s*#\s*include\b", block.code, re.MULTILINE):
            files[f"line_{block.line}.cpp"] = f"{block.hidden}\n{block.code}\n"
            continue
        body = f"{block.hidden}\n{block.code}\n"
        if not NOT_A_STATEMENT.search(block.code):
            body = f"[[maybe_unused]] inline void run() {{\n{body}}}\n"
        together += f"namespace snippet_{block.line} {{\n{body}}}\n"
    if together:
        files["together.cpp"] = PREAMBLE + together
    return files


def main():
    page, directory = sys.argv[1], pathlib.Path(sys.argv[2])
    try:
        files = files_for(blocks_of(pathlib.Path(page).read_text(encoding="utf-8"), page))
    except ValueError as fault:
        sys.exit(str(fault))
    directory.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
        if len(sys.argv) > 3:
            command = pathlib.Path(sys.argv[3]).read_text(encoding="utf-8").splitlines()
            failed += subprocess.run([*command, "-Wno-unused", "-fsyntax-only", str(directory / name)]).returncode != 0
    print(f"{page}: {len(files)} files, {failed} do not compile")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
