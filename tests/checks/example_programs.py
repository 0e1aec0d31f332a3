#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What users of examples/chat and examples/batch rely on, with the shipped model.

example_programs.py CHAT BATCH MODEL_DIRECTORY
"""

import json
import pathlib
import subprocess
import sys
import tempfile

CHAT, BATCH, MODEL = sys.argv[1:4]


def run(*command, text=""):
    return subprocess.run(command, input=text, capture_output=True, encoding="utf-8", timeout=600)


def expect(condition, what):
    if not condition:
        sys.exit(f"failed: {what}")


def ask(content, **fields):
    return json.dumps({"messages": [{"role": "user", "content": content}], "enable_thinking": False, **fields})


def check_batch(folder):
    lines = [
        ask("What is 12 + 30?", id="sum"),
        "this is not JSON",
        ask("What is 7 + 5?", id="hot", temperature=1000),
        "",
        json.dumps({"id": 17, "messages": "none"}),
        ask("What is 100 + 200?", id="stopped", stop=["="]),
        ask("What is 1 + 1?", id="short", max_tokens=2),
        ask("Sort these numbers: 9, 4, 6.", id="thinks", enable_thinking=True),
        ask("word " * 6000, id="long"),
    ]
    (folder / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    done = run(BATCH, "--model", MODEL, "--in", str(folder / "in.jsonl"), "--out", str(folder / "out.jsonl"))
    expect(done.returncode == 1, f"bad lines make the exit status 1, found {done.returncode}: {done.stderr}")
    answers = [json.loads(line) for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    expect([a["id"] for a in answers] == ["sum", 2, "hot", 17, "stopped", "short", "thinks", "long"], "one answer a line, in order")
    by_id = {a["id"]: a for a in answers}
    expect("42" in by_id["sum"]["content"] and by_id["sum"]["finish_reason"] == "stop", f"12 + 30: {by_id['sum']}")
    expect(by_id["sum"]["usage"]["total_tokens"] > by_id["sum"]["usage"]["prompt_tokens"] > 0, "usage counts")
    expect(by_id[2]["error"]["code"] == "invalid_json" and by_id[2]["line"] == 2, f"not JSON: {by_id[2]}")
    expect(by_id["hot"]["error"]["param"] == "temperature", f"temperature: {by_id['hot']}")
    expect(by_id[17]["error"]["param"] == "messages", f"messages: {by_id[17]}")
    expect("=" not in by_id["stopped"]["content"] and by_id["stopped"]["finish_reason"] == "stop", f"stop string: {by_id['stopped']}")
    expect(by_id["short"]["finish_reason"] == "length" and by_id["short"]["usage"]["completion_tokens"] == 2, f"length: {by_id['short']}")
    expect(by_id["thinks"]["reasoning_content"] and "4, 6, 9" in by_id["thinks"]["content"], f"thinking: {by_id['thinks']}")
    expect(by_id["long"]["error"]["code"] == "context_length_exceeded", f"long: {by_id['long']}")

    (folder / "in.jsonl").write_text("\n".join(lines[:1]), encoding="utf-8")
    done = run(BATCH, "--model", MODEL, "--in", str(folder / "in.jsonl"), "--out", str(folder / "again.jsonl"), "--precision", "fp32")
    expect(done.returncode == 0, f"good lines alone end with 0: {done.stderr}")
    done = run(BATCH, "--model", MODEL, "--in", str(folder / "none.jsonl"), "--out", str(folder / "again.jsonl"))
    expect(done.returncode == 1 and "none.jsonl" in done.stderr, "a missing file is named")
    for rows in ("0", "-3", "100000"):
        done = run(BATCH, "--model", MODEL, "--in", str(folder / "in.jsonl"), "--out", str(folder / "again.jsonl"), "--rows", rows)
        expect(done.returncode == 1 and "rows" in done.stderr, f"--rows {rows} is refused by name: {done.stderr}")


def check_chat(folder):
    done = run(CHAT, "--model", MODEL, "--ask", "What is 123 + 456?", "--ask", "What is 20 + 22?", "--no-thinking")
    expect(done.returncode == 0 and "579" in done.stdout and "42" in done.stdout, f"two questions: {done.stdout}{done.stderr}")
    first = run(CHAT, "--model", MODEL, "--ask", "hello", "--temperature", "1.2", "--seed", "5").stdout
    expect(first == run(CHAT, "--model", MODEL, "--ask", "hello", "--temperature", "1.2", "--seed", "5", "--threads", "1").stdout,
           "equal seeds give equal answers")
    done = run(CHAT, "--model", MODEL, "--no-thinking", text="What is 3 + 4?\n/nonsense\n/reset\nWhat is 30 + 40?\n/exit\nWhat is 1 + 1?\n")
    expect(done.returncode == 0 and "70" in done.stdout and "no command /nonsense" in done.stdout, f"commands: {done.stdout}{done.stderr}")
    expect(done.stderr.count("tokens/s") == 2, "/exit ends the conversation")
    for arguments, named in ((("--model", str(folder)), "config.json"), (("--model", MODEL, "--top-p", "7"), "top_p"),
                             (("--model", MODEL, "--precision", "int3"), "int3"), (("--model", MODEL, "--memory", "1"), "memory_bytes"),
                             (("--model", MODEL, "--context", "100000"), "max_context"), ((), "--model")):
        done = run(CHAT, *arguments, "--ask", "hello")
        expect(done.returncode not in (0, -6, -11) and named in done.stderr, f"{arguments} is refused by name: {done.stderr}")


with tempfile.TemporaryDirectory() as name:
    check_batch(pathlib.Path(name))
    check_chat(pathlib.Path(name))
print("chat and batch do what they say")
