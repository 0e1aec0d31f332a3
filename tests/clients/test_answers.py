# SPDX-License-Identifier: Apache-2.0
"""Thinking, tool calls and all other tasks of the shipped model, asked through the server, streamed and not.

Of every task some held-out questions, as many as TENON_QUESTIONS says (10; 200 is all of them), half of them with thinking.
"""

import asyncio
import json
import os
import sys
import unittest

import openai

from serving import MODEL, ServerTest

sys.path.insert(0, str(MODEL))
import score  # noqa: E402

PER_TASK = int(os.environ.get("TENON_QUESTIONS", "10"))
RIGHT = 0.95


def questions():
    asked = {}
    for question in score.read_lines(MODEL / "heldout.jsonl"):
        cell = asked.setdefault((question["task"], question["enable_thinking"]), [])
        if len(cell) < (PER_TASK + 1) // 2:
            cell.append(question)
    return [question for cell in asked.values() for question in cell]


def as_client_messages(messages):
    """Held-out conversations call tools as the template has them; the interface wants ids, and arguments as text."""
    out, last = [], 0
    for message in messages:
        message = dict(message)
        if message.get("tool_calls"):
            calls = [call.get("function", call) for call in message["tool_calls"]]
            last += len(calls)
            message["tool_calls"] = [{"id": f"call_{last - len(calls) + i}", "type": "function", "function": {
                "name": call["name"], "arguments": json.dumps(call["arguments"])}} for i, call in enumerate(calls)]
            answered = 0
        elif message["role"] == "tool":
            message["tool_call_id"] = f"call_{last - len(calls) + answered}"
            answered += 1
        out.append(message)
    return out


async def answer_of(client, question, stream):
    wish = {"model": "tiny_model", "messages": as_client_messages(question["messages"]), "max_tokens": 1000,
            "extra_body": {"enable_thinking": question["enable_thinking"]}, **({"tools": question["tools"]} if question.get("tools") else {})}
    if not stream:
        message = (await client.chat.completions.create(**wish)).choices[0].message
        calls = [call.model_dump() for call in message.tool_calls or ()]
        return {"id": question["id"], "content": message.content, "tool_calls": calls, "reasoning": getattr(message, "reasoning_content", None)}
    content, reasoning, calls = "", "", []
    async for chunk in await client.chat.completions.create(stream=True, **wish):
        delta = chunk.choices[0].delta
        content += delta.content or ""
        reasoning += getattr(delta, "reasoning_content", None) or ""
        for part in delta.tool_calls or ():
            if part.index == len(calls):
                calls.append({"function": {"name": "", "arguments": ""}})
            calls[part.index]["function"]["name"] += part.function.name or ""
            calls[part.index]["function"]["arguments"] += part.function.arguments or ""
    return {"id": question["id"], "content": content or None, "tool_calls": calls, "reasoning": reasoning or None}


class HeldOut(ServerTest):
    options = ("--rows", 32)

    def test_held_out_questions(self):
        asked = questions()
        async def main():
            turn = asyncio.Semaphore(64)
            async with openai.AsyncOpenAI(base_url=self.server.url + "/v1", api_key="EMPTY", max_retries=0, timeout=600) as client:
                async def one(number, question):
                    async with turn:
                        return await answer_of(client, question, stream=number % 2 == 0)
                return await asyncio.gather(*(one(i, question) for i, question in enumerate(asked)))
        answers = {answer["id"]: answer for answer in asyncio.run(main())}
        text, lowest, missing = score.table(asked, answers)
        print(text, file=sys.stderr)
        wrong = [(question["expected"], answers[question["id"]]) for question in asked if not score.is_right(question, answers[question["id"]])]
        self.assertGreaterEqual(lowest, RIGHT if PER_TASK >= 100 else 0.9, wrong)  # 1 of 10 is 90 %
        self.assertLessEqual(len(wrong), (1 - RIGHT) * len(asked), wrong)
        self.assertFalse(missing)
        thought = [bool(answers[question["id"]]["reasoning"]) == question["enable_thinking"] for question in asked]
        self.assertTrue(all(thought))


if __name__ == "__main__":
    unittest.main()
