#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of tenon's tokenizer against Hugging Face `tokenizers`, one thread each, the same text in one run.

    python3 benchmarks/text/tokenizer.py --program build/benchmarks/text/tokenizer DIRECTORY...

DIRECTORY holds a tokenizer.json. English is Python's own reference manual, code its standard library; the
Chinese text is drawn from the vocabulary's Chinese tokens, frequent ones more often, with punctuation; mixed
takes turns. Each is cut into documents of about 4,000 characters. Times are processor time, all with one thread, so
that a busy machine counts little. Both sides are run in turns and the best of their passes counts; of the reference's
call forms the fastest counts. Prints one JSON object a line.
Needs the package `tokenizers`.
"""
import argparse
import datetime
import glob
import json
import os
import platform
import pydoc_data.topics
import random
import struct
import subprocess
import sysconfig
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
import tokenizers  # noqa: E402  (reads the two variables)

DOCUMENT = 4_000
ROUNDS = 3


def english():
    return "\n\n".join(pydoc_data.topics.topics.values())


def code(characters):
    text = ""
    for path in sorted(glob.glob(os.path.join(sysconfig.get_path("stdlib"), "*.py"))):
        with open(path, encoding="utf-8", errors="replace") as file:
            text += file.read()
        if len(text) >= characters:
            break
    return text[:characters]


def chinese(tokenizer, characters):
    words = []
    for i in range(tokenizer.get_vocab_size()):
        word = tokenizer.decode([i])
        if word and all(0x4E00 <= ord(c) <= 0x9FFF for c in word):
            words.append(word)
    weights = [1 / (rank + 10) for rank in range(len(words))]
    source = random.Random(1)
    text = []
    for word in source.choices(words, weights, k=characters // 2):
        text.append(word)
        if source.random() < 0.18:
            text.append(source.choice("，，，，。。、：；？！") if source.random() < 0.9 else "。\n\n")
    return "".join(text)[:characters]


def documents(text):
    return [text[i:i + DOCUMENT] for i in range(0, len(text), DOCUMENT)]


def cpu():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.processor()


def reference_seconds(tokenizer, texts):
    """Best seconds of each call form over one pass."""
    forms = {
        "encode": lambda: [tokenizer.encode(text) for text in texts],
        "encode_batch": lambda: tokenizer.encode_batch(texts),
        "encode_batch_fast": lambda: tokenizer.encode_batch_fast(texts),
    }
    took = {}
    for name, call in forms.items():
        for _ in range(2):
            begin = time.process_time()
            result = call()
            took[name] = min(took.get(name, 1e9), time.process_time() - begin)
    return took, sum(len(encoding.ids) for encoding in result)


def measure(program, directory, base):
    path = os.path.join(directory, "tokenizer.json")
    tokenizer = tokenizers.Tokenizer.from_file(path)
    prose, source = english(), code(800_000)
    han = chinese(tokenizer, 400_000)
    turns = zip(documents(prose), documents(source), documents(han))
    texts = {"english": documents(prose), "code": documents(source), "chinese": documents(han),
             "mixed": ["".join(part[:1_300] for part in turn) for turn in turns]}
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, parts in texts.items():
            files[name] = os.path.join(folder, name)
            with open(files[name], "wb") as file:
                for part in parts:
                    data = part.encode()
                    file.write(struct.pack("<I", len(data)) + data)
        for name, parts in texts.items():
            best, mine = {}, None
            for _ in range(ROUNDS):
                output = subprocess.run([program, directory, files[name]], capture_output=True, check=True, text=True).stdout
                found = json.loads(output)
                mine = found if mine is None or found["seconds"] < mine["seconds"] else mine
                took, ids = reference_seconds(tokenizer, parts)
                assert ids == found["ids"], (ids, found["ids"])
                best = {form: min(seconds, best.get(form, 1e9)) for form, seconds in took.items()}
            form = min(best, key=best.get)
            megabytes = mine["bytes"] / 1e6
            print(json.dumps({**base, "what": "encode", "text": name, "bytes": mine["bytes"], "ids": mine["ids"],
                              "tenon_mb_s": round(megabytes / mine["seconds"], 2),
                              "tenon_first_pass_mb_s": round(megabytes / mine["first_seconds"], 2),
                              "reference_mb_s": {f: round(megabytes / s, 2) for f, s in best.items()}, "fastest_form": form,
                              "ratio": round(best[form] / mine["seconds"], 2)}), flush=True)
    loaded = json.loads(subprocess.run([program, directory], capture_output=True, check=True, text=True).stdout)
    begin = time.process_time()
    tokenizers.Tokenizer.from_file(path)
    print(json.dumps({**base, "what": "load", **loaded, "reference_load_ms": round(1e3 * (time.process_time() - begin), 1)}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directories", nargs="+", metavar="DIRECTORY")
    parser.add_argument("--program", required=True, help="the program built from benchmarks/text/tokenizer.cpp")
    options = parser.parse_args()
    for directory in options.directories:
        measure(options.program, directory,
                {"benchmark": "text/tokenizer", "date": datetime.date.today().isoformat(), "device": cpu(),
                 "reference": f"tokenizers {tokenizers.__version__}", "tokenizer": os.path.basename(os.path.normpath(directory))})


if __name__ == "__main__":
    main()
