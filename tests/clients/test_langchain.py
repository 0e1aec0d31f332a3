# SPDX-License-Identifier: Apache-2.0
"""LangChain's ChatOpenAI, as its users write it."""

import unittest

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from serving import ServerTest

SUM = "What is 123 + 456?"


@tool
def get_weather(city: str) -> str:
    """Returns the weather."""
    return f'{{"city": "{city}", "temperature": 21, "condition": "sunny"}}'


class LangChain(ServerTest):
    def model(self, **fields):
        fields.setdefault("extra_body", {"enable_thinking": False})
        return ChatOpenAI(base_url=self.server.url + "/v1", api_key="EMPTY", model="tiny_model", max_retries=0, **fields)

    def test_an_answer_with_thinking_and_streaming(self):
        model = self.model(streaming=True, extra_body={"enable_thinking": True, "return_reasoning": True})
        answer = model.invoke(SUM)
        self.assertEqual(answer.content, "123 + 456 = 579")
        self.assertEqual(answer.response_metadata["finish_reason"], "stop")

    def test_usage_of_a_stream(self):
        whole = None
        for chunk in self.model(stream_usage=True).stream(SUM):
            whole = chunk if whole is None else whole + chunk
        self.assertEqual(whole.content, "123 + 456 = 579")
        usage = whole.usage_metadata
        self.assertEqual(usage["total_tokens"], usage["input_tokens"] + usage["output_tokens"])
        self.assertGreater(usage["output_tokens"], 5)
        self.assertEqual(usage, {**self.model().invoke(SUM).usage_metadata, "input_token_details": usage["input_token_details"]})

    def test_tools_are_bound_called_and_answered(self):
        for streaming in (False, True):
            model = self.model(streaming=streaming).bind_tools([get_weather])
            question = HumanMessage("What is the weather in Paris?")
            answer = model.invoke([question])
            self.assertEqual([(call["name"], call["args"]) for call in answer.tool_calls], [("get_weather", {"city": "Paris"})])
            result = get_weather.invoke(answer.tool_calls[0])
            self.assertIsInstance(result, ToolMessage)
            self.assertIn("21", model.invoke([question, answer, result]).content)
        forced = self.model().bind_tools([get_weather], tool_choice="get_weather").invoke("What is the weather in Rome?")
        self.assertEqual(forced.tool_calls[0]["name"], "get_weather")

    def test_batches_and_conversations(self):
        answers = self.model().batch([f"What is {n} + 100?" for n in range(10, 30)], config={"max_concurrency": 20})
        self.assertEqual([answer.content for answer in answers], [f"{n} + 100 = {n + 100}" for n in range(10, 30)])
        talk = [("system", "You are tenon's tiny demonstration model."), ("human", "Sort these numbers: 42, 7, 19"),
                AIMessage("7, 19, 42"), ("human", "And in descending order?")]
        self.assertEqual(self.model().invoke(talk).content, "42, 19, 7")

    def test_stop_and_logprobs(self):
        self.assertEqual(self.model().invoke(SUM, stop=["="]).content, "123 + 456 ")
        answer = self.model(logprobs=True).invoke(SUM)
        self.assertGreater(len(answer.response_metadata["logprobs"]["content"]), 5)


if __name__ == "__main__":
    unittest.main()
