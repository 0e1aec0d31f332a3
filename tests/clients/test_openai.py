# SPDX-License-Identifier: Apache-2.0
"""The official openai client: answers, streams, tools, reasoning, log-probabilities, usage, errors, aborts."""

import asyncio
import json
import time
import unittest

import openai

from serving import Server, ServerTest, total

SUM = [{"role": "user", "content": "What is 123 + 456?"}]
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Returns the weather.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "description": "City name"}}, "required": ["city"]}}}
TIMER = {"type": "function", "function": {"name": "set_timer", "description": "Timer, minutes", "parameters": {
    "type": "object", "properties": {"minutes": {"type": "integer", "description": "Number of minutes"}}, "required": ["minutes"]}}}
PARIS = [{"role": "user", "content": "What is the weather in Paris?"}]
LONG = {"max_tokens": 3000, "extra_body": {"ignore_eos": True, "enable_thinking": False}}


def direct(**more):
    return {"enable_thinking": False, **more}


class OpenAI(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = openai.OpenAI(base_url=cls.server.url + "/v1", api_key="EMPTY", max_retries=0)
        cls.model = cls.client.models.list().data[0].id

    def chat(self, messages=None, **fields):
        fields.setdefault("extra_body", direct())
        return self.client.chat.completions.create(model=self.model, messages=messages or SUM, **fields)


class Answers(OpenAI):
    def test_models_say_how_long_a_context_may_be(self):
        model = self.client.models.list().data[0]
        self.assertEqual((model.object, model.max_model_len), ("model", 4096))
        self.assertEqual(self.client.models.retrieve(model.id).id, model.id)

    def test_an_answer_and_its_usage(self):
        answer = self.chat()
        choice, usage = answer.choices[0], answer.usage
        self.assertEqual((choice.message.role, choice.message.content, choice.finish_reason), ("assistant", "123 + 456 = 579", "stop"))
        self.assertEqual((answer.object, answer.model), ("chat.completion", self.model))
        self.assertTrue(answer.id)
        self.assertEqual(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
        self.assertGreater(usage.completion_tokens, 5)
        self.assertEqual(usage.completion_tokens_details.reasoning_tokens, 0)

    def test_a_prompt_that_was_seen_is_cached(self):
        messages = [{"role": "system", "content": "This is the beginning of two conversations. " * 20}, *SUM]
        before = self.chat(messages).usage
        after = self.chat(messages).usage
        self.assertEqual(after.prompt_tokens, before.prompt_tokens)
        self.assertGreater(after.prompt_tokens_details.cached_tokens, 100)
        salted = self.chat(messages, extra_body=direct(cache_salt="mine")).usage
        self.assertEqual(salted.prompt_tokens_details.cached_tokens, 0)

    def test_thinking_comes_apart_from_the_answer(self):
        answer = self.chat(extra_body={"enable_thinking": True})
        message = answer.choices[0].message
        self.assertEqual(message.content, "123 + 456 = 579")
        self.assertIn("579", message.reasoning_content)
        self.assertNotIn("think>", message.reasoning_content + message.content)
        self.assertGreater(answer.usage.completion_tokens_details.reasoning_tokens, 3)
        without = self.chat(extra_body={"enable_thinking": True, "return_reasoning": False}).choices[0].message
        self.assertEqual(without.content, "123 + 456 = 579")
        self.assertIsNone(getattr(without, "reasoning_content", None))
        nested = self.chat(extra_body={"chat_template_kwargs": {"enable_thinking": True}}).choices[0].message
        self.assertEqual(nested.reasoning_content, message.reasoning_content)

    def test_thinking_that_is_cut_off_has_no_content(self):
        answer = self.chat(max_tokens=4, extra_body={"enable_thinking": True}).choices[0]
        self.assertIsNone(answer.message.content)
        self.assertTrue(answer.message.reasoning_content)
        self.assertEqual(answer.finish_reason, "length")

    def test_a_thinking_budget_ends_in_an_answer(self):
        answer = self.chat(extra_body={"enable_thinking": True, "thinking_token_budget": 3})
        self.assertTrue(answer.choices[0].message.content)
        self.assertLessEqual(answer.usage.completion_tokens_details.reasoning_tokens, 3 + 2)  # what ends the thinking counts as well

    def test_the_longest_answer(self):
        for name in ("max_tokens", "max_completion_tokens"):
            answer = self.chat(**{name: 5})
            self.assertEqual((answer.choices[0].finish_reason, answer.usage.completion_tokens), ("length", 5))

    def test_stop_strings_are_left_out(self):
        for stop, expected in (("=", "123 + 456 "), (["nowhere", "57"], "123 + 456 = "), ("6 = 5", "123 + 45")):
            answer = self.chat(stop=stop).choices[0]
            self.assertEqual((answer.message.content, answer.finish_reason), (expected, "stop"))
            streamed = "".join(chunk.choices[0].delta.content or "" for chunk in self.chat(stop=stop, stream=True))
            self.assertEqual(streamed, expected)
        kept = self.chat(stop="=", extra_body=direct(include_stop_str_in_output=True)).choices[0]
        self.assertEqual(kept.message.content, "123 + 456 =")

    def test_choices_of_one_prompt(self):
        answer = self.chat(n=3)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        self.assertEqual({choice.message.content for choice in answer.choices}, {"123 + 456 = 579"})
        streamed = {}
        for chunk in self.chat(n=3, stream=True):
            for choice in chunk.choices:
                streamed[choice.index] = streamed.get(choice.index, "") + (choice.delta.content or "")
        self.assertEqual(streamed, {i: "123 + 456 = 579" for i in range(3)})

    def test_a_seed_repeats_an_answer(self):
        def drawn(seed):
            answer = self.client.completions.create(model=self.model, prompt="The", max_tokens=24, temperature=2, seed=seed, n=3,
                                                    extra_body={"ignore_eos": True, "top_k": -1, "top_p": 1})
            return [choice.text for choice in answer.choices]
        self.assertEqual(drawn(7), drawn(7))
        self.assertNotEqual(drawn(7), drawn(8))
        self.assertEqual(len(set(drawn(7))), 3)

    def test_biased_ids_and_penalties_are_obeyed(self):
        banned = self.server.post("/tokenize", {"prompt": "579", "add_special_tokens": False})[1]["tokens"]
        answer = self.chat(logit_bias={str(token): -100 for token in banned})
        self.assertNotIn("579", answer.choices[0].message.content)
        self.chat(presence_penalty=1.5, frequency_penalty=-1, extra_body=direct(repetition_penalty=1.1, min_p=0.1, top_k=5, min_tokens=2))

    def test_chat_logprobs_spell_the_answer(self):
        answer = self.chat(logprobs=True, top_logprobs=3).choices[0]
        entries = answer.logprobs.content
        spelled = b"".join(bytes(entry.bytes) for entry in entries).decode()
        self.assertTrue(spelled.startswith(answer.message.content), spelled)
        for entry in entries:
            self.assertLessEqual(entry.logprob, 0)
            self.assertEqual(len(entry.top_logprobs), 3)
            self.assertEqual((entry.top_logprobs[0].token, entry.top_logprobs[0].logprob), (entry.token, entry.logprob))
            self.assertEqual(sorted((top.logprob for top in entry.top_logprobs), reverse=True), [top.logprob for top in entry.top_logprobs])
        streamed = [entry for chunk in self.chat(logprobs=True, top_logprobs=3, stream=True)
                    for choice in chunk.choices if choice.logprobs for entry in choice.logprobs.content or ()]
        self.assertEqual([entry.token for entry in streamed], [entry.token for entry in entries])

    def test_completions_take_text_and_ids(self):
        ask = lambda **fields: self.client.completions.create(model=self.model, max_tokens=8, temperature=0, **fields)
        ids = self.server.post("/tokenize", {"prompt": "Sort the"})[1]["tokens"]
        self.assertEqual(self.server.post("/detokenize", {"tokens": ids})[1]["prompt"], "Sort the")
        text = ask(prompt="Sort the")
        self.assertEqual(text.object, "text_completion")
        self.assertEqual(ask(prompt=ids).choices[0].text, text.choices[0].text)
        both = ask(prompt=["Sort the", "What is"])
        self.assertEqual([choice.index for choice in both.choices], [0, 1])
        self.assertEqual(both.choices[0].text, text.choices[0].text)
        self.assertEqual(ask(prompt=[ids, ids]).choices[1].text, text.choices[0].text)
        self.assertEqual(ask(prompt="Sort the", echo=True).choices[0].text, "Sort the" + text.choices[0].text)
        streamed = "".join(chunk.choices[0].text for chunk in ask(prompt="Sort the", stream=True))
        self.assertEqual(streamed, text.choices[0].text)

    def test_completion_logprobs(self):
        answer = self.client.completions.create(model=self.model, prompt="Sort the", max_tokens=8, temperature=0, logprobs=2).choices[0]
        found = answer.logprobs
        self.assertEqual("".join(found.tokens), answer.text)
        self.assertEqual(len({len(found.tokens), len(found.token_logprobs), len(found.top_logprobs), len(found.text_offset)}), 1)
        self.assertEqual(found.text_offset[0], 0)
        self.assertTrue(all(len(top) >= 2 for top in found.top_logprobs))

    def test_many_clients_at_once_get_their_own_answers(self):
        async def main():
            async with openai.AsyncOpenAI(base_url=self.server.url + "/v1", api_key="EMPTY", max_retries=0) as client:
                async def one(i):
                    stream = await client.chat.completions.create(model=self.model, stream=True, extra_body=direct(), messages=[
                        {"role": "user", "content": f"What is {100 + i} + {200 + 3 * i}?"}])
                    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
                return await asyncio.gather(*map(one, range(48)))
        answers = asyncio.run(main())
        self.assertEqual(answers, [f"{100 + i} + {200 + 3 * i} = {300 + 4 * i}" for i in range(48)])
        shared = sum(value for _, value in self.server.metrics()["tenon:step_total"])
        self.assertGreater(shared, 0)


class Streams(OpenAI):
    def test_a_stream_is_the_answer_in_pieces(self):
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        self.assertEqual(len({chunk.id for chunk in chunks}), 1)
        deltas = [chunk.choices[0].delta for chunk in chunks[:-1]]
        self.assertEqual([delta.role for delta in deltas if delta.role], ["assistant"])
        self.assertEqual("".join(delta.content or "" for delta in deltas), "123 + 456 = 579")
        self.assertEqual([chunk.choices[0].finish_reason for chunk in chunks[:-1] if chunk.choices[0].finish_reason], ["stop"])
        self.assertTrue(all(chunk.usage is None for chunk in chunks[:-1]))
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, self.chat().usage.completion_tokens)

    def test_reasoning_streams_before_the_answer(self):
        kinds = []
        for chunk in self.chat(stream=True, extra_body={"enable_thinking": True}):
            delta = chunk.choices[0].delta
            if getattr(delta, "reasoning_content", None):
                kinds.append("reasoning")
            if delta.content:
                kinds.append("content")
        self.assertEqual(kinds, sorted(kinds, reverse=True))
        self.assertEqual(set(kinds), {"reasoning", "content"})

    def test_the_clients_own_accumulator_understands_the_stream(self):
        with self.client.chat.completions.stream(model=self.model, messages=PARIS, tools=[WEATHER], extra_body=direct()) as stream:
            for _ in stream:
                pass
            choice = stream.get_final_completion().choices[0]
        self.assertEqual(choice.finish_reason, "tool_calls")
        self.assertEqual(json.loads(choice.message.tool_calls[0].function.arguments), {"city": "Paris"})

    def test_tokens_come_while_they_are_made_and_closing_the_stream_ends_its_request(self):
        stream = self.chat(stream=True, **LONG)
        for _, _ in zip(range(3), stream):
            pass
        self.server.wait_until_running()
        made = total(self.server.metrics(), "vllm:generation_tokens_total")
        stream.close()
        self.server.wait_until_idle()
        self.assertLess(total(self.server.metrics(), "vllm:generation_tokens_total") - made, 2500)

    def test_a_client_that_gives_up_waiting_ends_its_request(self):
        with self.assertRaises(openai.APITimeoutError):
            self.chat(timeout=0.3, **LONG)
        self.server.wait_until_idle()


class Tools(OpenAI):
    def call(self, **fields):
        return self.chat(PARIS, tools=[TIMER, WEATHER], **fields).choices[0]

    def test_a_call_and_what_follows_it(self):
        for thinking in (False, True):
            extra = {"enable_thinking": thinking}
            choice = self.call(extra_body=extra)
            self.assertEqual(choice.finish_reason, "tool_calls")
            self.assertIsNone(choice.message.content)
            call = choice.message.tool_calls[0]
            self.assertEqual((call.type, call.function.name, json.loads(call.function.arguments)), ("function", "get_weather", {"city": "Paris"}))
            self.assertTrue(call.id)
            history = [*PARIS, choice.message, {"role": "tool", "tool_call_id": call.id, "content": '{"temperature": 21, "condition": "sunny"}'}]
            last = self.chat(history, tools=[TIMER, WEATHER], extra_body=extra).choices[0]
            self.assertEqual(last.finish_reason, "stop")
            self.assertIn("21", last.message.content)

    def test_a_streamed_call_has_each_name_once(self):
        parts = [part for chunk in self.chat(PARIS, tools=[TIMER, WEATHER], stream=True)
                 for part in chunk.choices[0].delta.tool_calls or ()]
        self.assertEqual({part.index for part in parts}, {0})
        self.assertEqual([part.function.name for part in parts if part.function.name], ["get_weather"])
        self.assertEqual(len([part.id for part in parts if part.id]), 1)
        self.assertEqual(json.loads("".join(part.function.arguments or "" for part in parts)), {"city": "Paris"})

    def test_tool_choice(self):
        self.assertIsNone(self.call(tool_choice="none").message.tool_calls)
        greeting = [{"role": "user", "content": "What is 123 + 456?"}]
        free = self.chat(greeting, tools=[WEATHER]).choices[0]
        self.assertEqual((free.message.tool_calls, free.finish_reason), (None, "stop"))
        for wish in ("required", {"type": "function", "function": {"name": "set_timer"}}):
            choice = self.chat(PARIS, tools=[TIMER, WEATHER], tool_choice=wish, max_tokens=200).choices[0]
            self.assertTrue(choice.message.tool_calls, wish)
            if wish != "required":
                self.assertEqual(choice.message.tool_calls[0].function.name, "set_timer")


class Errors(OpenAI):
    options = ("--max-requests", 2)

    def refused(self, kind, **fields):
        with self.assertRaises(kind) as caught:
            self.chat(**fields)
        error = caught.exception
        self.assertTrue(error.message)
        self.assertTrue(error.request_id)
        return error

    def test_a_wrong_type_names_field_and_types(self):
        error = self.refused(openai.BadRequestError, extra_body=direct(temperature="hot"))
        self.assertEqual((error.status_code, error.type, error.param, error.code), (400, "invalid_request_error", "temperature", "invalid_type"))
        self.assertIn("temperature: expected a number, found a string", error.message)

    def test_values_out_of_range_name_their_field(self):
        for field, value in (("temperature", -1), ("top_p", 2), ("n", 17), ("max_tokens", 0), ("top_logprobs", 21), ("presence_penalty", 3),
                             ("stop", ["a", "b", "c", "d", "e"]), ("logit_bias", {"99999999": 1}), ("messages", [])):
            with self.subTest(field=field):
                fields = {"messages": value} if field == "messages" else {"extra_body": direct(**{field: value, "logprobs": True})}
                if field == "messages":
                    with self.assertRaises(openai.BadRequestError) as caught:
                        self.client.chat.completions.create(model=self.model, messages=[])
                    error = caught.exception
                else:
                    error = self.refused(openai.BadRequestError, **fields)
                self.assertTrue(str(error.param).startswith(field), error.param)

    def test_what_is_known_but_not_supported_is_refused_by_name(self):
        for field, value in (("response_format", {"type": "json_object"}), ("guided_json", {}), ("structured_outputs", {"regex": "a"}),
                             ("prompt_logprobs", 1), ("reasoning_effort", "high"), ("modalities", ["audio"])):
            with self.subTest(field=field):
                self.assertEqual(self.refused(openai.BadRequestError, extra_body=direct(**{field: value})).param.split(".")[0], field)

    def test_what_is_unknown_is_answered_and_named(self):
        raw = self.client.chat.completions.with_raw_response.create(model=self.model, messages=SUM, extra_body=direct(colour="red", size=3),
                                                                    extra_headers={"x-request-id": "from-the-client"})
        self.assertEqual(raw.headers["x-request-id"], "from-the-client")
        self.assertEqual(sorted(raw.headers["x-tenon-ignored"].split(", ")), ["colour", "size"])
        self.assertEqual(raw.parse().choices[0].message.content, "123 + 456 = 579")

    def test_a_context_that_is_too_long(self):
        error = self.refused(openai.BadRequestError, messages=[{"role": "user", "content": "sort 3, 1 " * 3000}])
        self.assertEqual(error.code, "context_length_exceeded")

    def test_an_unknown_model_and_route(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.chat.completions.create(model="gpt-4", messages=SUM)
        self.assertEqual(caught.exception.code, "model_not_found")
        with self.assertRaises(openai.NotFoundError):
            self.client.embeddings.create(model=self.model, input="text")

    def test_a_full_queue_is_told_at_once(self):
        streams = [self.chat(stream=True, **LONG) for _ in range(2)]
        for stream in streams:
            next(iter(stream))
        started = time.monotonic()
        error = self.refused(openai.InternalServerError)
        self.assertLess(time.monotonic() - started, 1)
        self.assertEqual(error.status_code, 503)
        self.assertGreater(int(error.response.headers["retry-after"]), 0)
        for stream in streams:
            stream.close()
        self.server.wait_until_idle()
        self.assertEqual(self.chat().choices[0].message.content, "123 + 456 = 579")


class Keys(unittest.TestCase):
    def test_keys_and_their_limits(self):
        with Server("--api-key", "first-key", "--api-key", "second-key", "--max-requests-per-key", 1) as server:
            def client(key):
                return openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0)
            def ask(key, **fields):
                return client(key).chat.completions.create(model="tiny_model", messages=SUM, **fields)
            for wrong in ("EMPTY", "first-ke", "first-key2"):
                with self.assertRaises(openai.AuthenticationError) as caught:
                    ask(wrong)
                self.assertEqual(caught.exception.code, "invalid_api_key")
            self.assertEqual(server.get("/health")[0], 200)
            self.assertEqual(server.get("/metrics")[0], 401)
            stream = ask("first-key", stream=True, **LONG)
            next(iter(stream))
            with self.assertRaises(openai.RateLimitError) as caught:
                ask("first-key")
            self.assertGreater(int(caught.exception.response.headers["retry-after"]), 0)
            self.assertEqual(ask("second-key", extra_body=direct()).choices[0].message.content, "123 + 456 = 579")
            stream.close()

    def test_a_key_sees_nothing_of_anothers_cache(self):
        with Server("--api-key", "first-key", "--api-key", "second-key") as server:
            messages = [{"role": "system", "content": "A secret that nobody may time. " * 20}, *SUM]
            def cached(key):
                client = openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0)
                answer = client.chat.completions.create(model=client.models.list().data[0].id, messages=messages, extra_body=direct())
                return answer.usage.prompt_tokens_details.cached_tokens
            self.assertEqual(cached("first-key"), 0)
            self.assertGreater(cached("first-key"), 50)
            self.assertEqual(cached("second-key"), 0)


if __name__ == "__main__":
    unittest.main()
