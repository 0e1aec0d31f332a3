#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the ids of tenon's tokenizer with those of Hugging Face `tokenizers` on random strings.

    python3 tests/oracle/tokenizer.py --program build/tests/oracle/encode_lines --data DATA

DATA holds qwen/qwen3/tokenizer.json and qwen/qwen2.5/tokenizer.json; other directories with a tokenizer.json may be
named instead. Prints one JSON object a line: strings compared, bytes, ids, differences. Exits with 1 if there is any
difference, with 77 if there is nothing to compare with. Needs the package `tokenizers`.
"""
import argparse
import json
import os
import pydoc_data.topics
import random
import struct
import subprocess
import sys
import unicodedata

import tokenizers

BATCH = 20_000
SPACES = [c for c in map(chr, range(0x3001)) if c.isspace()] + ["\u180e", "\u200b", "\ufeff"]
SCRIPTS = [(0x20, 0x7E), (0xA0, 0x17F), (0x180, 0x24F), (0x1E00, 0x1EFF), (0x370, 0x3FF), (0x1F00, 0x1FFF), (0x400, 0x52F),
           (0x530, 0x58F), (0x590, 0x5FF), (0x600, 0x6FF), (0x700, 0x74F), (0x780, 0x7BF), (0x7C0, 0x7FF), (0x900, 0x97F),
           (0x980, 0x9FF), (0xA00, 0xA7F), (0xA80, 0xAFF), (0xB00, 0xB7F), (0xB80, 0xBFF), (0xC00, 0xC7F), (0xC80, 0xCFF),
           (0xD00, 0xD7F), (0xD80, 0xDFF), (0xE00, 0xE7F), (0xE80, 0xEFF), (0xF00, 0xFFF), (0x1000, 0x109F), (0x10A0, 0x10FF),
           (0x1100, 0x11FF), (0x1200, 0x137F), (0x13A0, 0x13FF), (0x1780, 0x17FF), (0x1800, 0x18AF), (0x1B00, 0x1B7F),
           (0x2000, 0x206F), (0x2070, 0x218F), (0x2190, 0x23FF), (0x2E80, 0x303F), (0x3040, 0x30FF), (0x3130, 0x318F),
           (0x3200, 0x33FF), (0x4E00, 0x9FFF), (0xA000, 0xA4CF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFE70, 0xFEFF),
           (0xFF00, 0xFFEF), (0x10330, 0x1034F), (0x11080, 0x110CF), (0x11100, 0x1114F), (0x11900, 0x1195F), (0x1D100, 0x1D1FF),
           (0x1D400, 0x1D7FF), (0x1E900, 0x1E95F), (0x1F100, 0x1F1FF), (0x20000, 0x2A6DF), (0x2F800, 0x2FA1F)]
MARKS = [c for c in map(chr, range(0x20000)) if unicodedata.combining(c)] + ["\u0897", "\U00010D69", "\u1acf"]
DECOMPOSING = [c for c in map(chr, range(0x30000)) if unicodedata.decomposition(c)[:1] not in ("", "<")]
EMOJI = [chr(c) for c in [*range(0x1F300, 0x1F650), *range(0x1F680, 0x1F6D8), *range(0x1F900, 0x1FA00), *range(0x2600, 0x27C0)]]
CODE = ["for", "if", "return", "int", "std::", "vector", "<", ">", "(", ")", "{", "}", ";\n", "    ", "\t", "\n", "\r\n", "==", "=", "0x1F",
        "\"", "'", "// ", "/*", "*/", "#include", "self.", "_x1", "i++", "->", "lambda", "&&", "[i]", "3.14", "\\n", "%d", "${", "@", "  "]
CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE", "'Ve", "'M", "'lL", "'D", "'\u017f", "'\u212a", "'l", "'r", "'v",
                "\u2019s", "''s", "'ss", "'LLx", "'\u017fs"]


class strings:
    """An endless source of strings, the same for the same seed."""

    def __init__(self, seed, added, ordinary):
        self.random, self.added, self.ordinary = random.Random(seed), added, ordinary
        self.prose = "".join(pydoc_data.topics.topics.values())
        self.kinds = [self.script, self.script, self.mixed_scripts, self.code, self.code_points, self.near_code_points, self.bytes,
                      self.emoji, self.marks, self.decomposed, self.hangul, self.runs, self.spaces, self.with_added, self.slice,
                      self.tokens, self.short]

    def __iter__(self):
        while True:
            yield self.random.choice(self.kinds)()

    def size(self, low=1, high=60):
        return self.random.randint(low, high if self.random.random() < 0.97 else 8 * high)

    def pick(self, source, low=1, high=60):
        return "".join(self.random.choices(source, k=self.size(low, high)))

    def letters(self, limits, count):
        return "".join(chr(self.random.randint(*limits)) for _ in range(count))

    def words(self, limits, count):
        return "".join(self.letters(limits, self.random.randint(1, 9)) + self.random.choice([" ", " ", " ", "", ", ", ". ", "\n", "'s ", "-", " 12 "])
                       for _ in range(count))

    def script(self):
        return self.words(self.random.choice(SCRIPTS), self.size(1, 9))

    def mixed_scripts(self):
        return "".join(self.words(self.random.choice(SCRIPTS), self.random.randint(1, 3)) for _ in range(self.size(1, 5)))

    def code(self):
        return self.pick(CODE)

    def code_points(self):
        return "".join(chr(c) for c in (self.random.randrange(0x110000) for _ in range(self.size())) if not 0xD800 <= c < 0xE000)

    def near_code_points(self):
        return "".join(chr(c) for c in (self.random.randrange(0x3400) if self.random.random() < 0.7 else self.random.randrange(0x1F000)
                                        for _ in range(self.size())) if not 0xD800 <= c < 0xE000)

    def bytes(self):
        return self.random.randbytes(self.size()).decode("utf-8", errors="replace")

    def emoji(self):
        return self.pick(EMOJI + ["\u200d", "\ufe0f", "\U0001F3FB", "\U0001F3FF", "\U0001F1E9", "\U0001F1EA", " ", "a"], 1, 20)

    def marks(self):
        base = self.pick(["a", "e", "o", "A", "\u00e9", "\u1ea1", "\u0915", "\u05d0", "<", " ", "\n", "1", "\u3042"], 1, 4)
        return "".join(c + "".join(self.random.choices(MARKS, k=self.random.randint(0, 5))) for c in base * self.random.randint(1, 4))

    def decomposed(self):
        text = self.pick(DECOMPOSING, 1, 12)
        return self.random.choice([text, unicodedata.normalize("NFD", text), text + self.pick(MARKS, 1, 3) + text])

    def hangul(self):
        jamo = lambda: chr(self.random.choice([self.random.randint(0x1100, 0x1112), self.random.randint(0x1161, 0x1175), self.random.randint(0x11A7, 0x11C3),
                                               self.random.randint(0xAC00, 0xD7A3), self.random.randint(0x1100, 0x11FF), self.random.randint(0xA960, 0xA97C)]))
        text = "".join(jamo() for _ in range(self.size(1, 30)))
        return text if self.random.random() < 0.5 else unicodedata.normalize("NFD", text) + " " + text

    def runs(self):
        return "".join(self.random.choice(["a", "A", " ", "\n", "\t", "1", "=", "-", ".", "\u4e2d", "\u00e9", "\u0301", "ha", "\r\n", "\u3000", "0"])
                       * self.random.choice([1, 2, 3, 5, 8, 17, 65, 130]) for _ in range(self.random.randint(1, 6)))

    def spaces(self):
        return "".join(self.random.choice(self.random.choice([SPACES, [" ", "\n", "\r", "\t"], CONTRACTIONS, ["a", "1", "?", "\u4f60", "B7"]]))
                       for _ in range(self.size(1, 30)))

    def with_added(self):
        part = lambda: self.random.choice([self.random.choice(self.added), self.random.choice(self.added)[:self.random.randint(1, 9)],
                                           self.random.choice(["<", "<|", "|>", "\u0301", " ", "\n", "\n\n", "user", "<<"]), self.script()])
        return "".join(part() for _ in range(self.random.randint(1, 8)))

    def slice(self):
        begin = self.random.randrange(len(self.prose))
        return self.prose[begin:begin + self.size(1, 200)]

    def tokens(self):
        return self.random.choice(["", "", " "]).join(self.random.choices(self.ordinary, k=self.size(1, 12)))

    def short(self):
        return "".join(self.random.choice([chr(self.random.randrange(0x20, 0x7F)), chr(self.random.randrange(0x3000))]) for _ in range(self.random.randint(0, 3)))


def around_every_code_point():
    for c in range(0x110000):
        if not 0xD800 <= c < 0xE000:
            x = chr(c)
            yield f"a{x}b {x}{x} {x}1{x}\n {x}'s '{x}e\u0301{x}\u0301\u0345{x}\u0334{x}  {x}"


def encode_with_tenon(program, path, batch):
    texts = [text.encode() for text in batch]
    done = subprocess.run([program, path], input=b"".join(struct.pack("<I", len(text)) + text for text in texts),
                          stdout=subprocess.PIPE, check=True)
    numbers = struct.unpack(f"<{len(done.stdout) // 4}i", done.stdout)
    at = 0
    while at < len(numbers):
        yield list(numbers[at + 1:at + 1 + numbers[at]])
        at += 1 + numbers[at]


def compare(program, directory, source, count):
    path = os.path.join(directory, "tokenizer.json")
    reference = tokenizers.Tokenizer.from_file(path)
    result = {"tokenizer": os.path.basename(os.path.normpath(directory)), "strings": 0, "bytes": 0, "ids": 0, "differences": 0}
    source = iter(source)
    while result["strings"] < count:
        batch = [text for _, text in zip(range(min(BATCH, count - result["strings"])), source)]
        if not batch:
            break
        found = list(encode_with_tenon(program, path, batch))
        assert len(found) == len(batch)
        for text, expected, ids in zip(batch, reference.encode_batch_fast(batch, add_special_tokens=True), found):
            result["strings"] += 1
            result["bytes"] += len(text.encode())
            result["ids"] += len(ids)
            if ids != expected.ids:
                result["differences"] += 1
                if result["differences"] <= 10:
                    print(f"differs: {ascii(text)}\n  expected {expected.ids}\n  found    {ids}", file=sys.stderr)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directories", nargs="*", metavar="DIRECTORY", help="holds a tokenizer.json")
    parser.add_argument("--data", help="holds qwen/qwen3 and qwen/qwen2.5, compared if no DIRECTORY is named")
    parser.add_argument("--program", required=True, help="what is built from tests/oracle/encode_lines.cpp")
    parser.add_argument("--count", type=int, default=1_000_000, help="strings a tokenizer")
    parser.add_argument("--quick", action="store_true", help="50,000 strings a tokenizer")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TENON_TEST_SEED", random.randrange(2**32))))
    parser.add_argument("--every-code-point", action="store_true", help="also a string around each code point of Unicode")
    options = parser.parse_args()
    if options.quick:
        options.count = 50_000
    directories = options.directories or [os.path.join(options.data or "", "qwen", name) for name in ("qwen3", "qwen2.5")]
    directories = [path for path in directories if os.path.exists(os.path.join(path, "tokenizer.json"))]
    if not directories:
        print("skipped: no tokenizer.json where --data and DIRECTORY say")
        return 77
    print(json.dumps({"seed": options.seed, "tokenizers": tokenizers.__version__}), flush=True)
    failed = False
    for directory in directories:
        with open(os.path.join(directory, "tokenizer.json"), encoding="utf-8") as file:
            definition = json.load(file)
        added = [token["content"] for token in definition["added_tokens"]]
        decode = tokenizers.Tokenizer.from_file(os.path.join(directory, "tokenizer.json")).decode
        ordinary = [decode([i]) for i in range(0, len(definition["model"]["vocab"]), 3)]
        sources = [("random", strings(options.seed, added, ordinary), options.count)]
        if options.every_code_point:
            sources.append(("every code point", around_every_code_point(), 0x110000))
        for name, source, count in sources:
            result = {"source": name, **compare(options.program, directory, source, count)}
            print(json.dumps(result), flush=True)
            failed = failed or result["differences"] > 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
