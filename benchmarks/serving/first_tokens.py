#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time to the first token of every single request to a server that was just started.

    first_tokens.py http://127.0.0.1:8000 --at-once 1,2 --rounds 25

A mean hides what only the first prompt of its length waits for, such as a kernel that is loaded then. So this prints
them all: a round is some prompts of random length sent at the same moment, and its line names each one's milliseconds,
in the order of the rounds. Prompts are random words, --low to --high of them; the same --seed sends the same ones.
"""
import argparse
import concurrent.futures
import http.client
import json
import random
import threading
import time
import urllib.parse


class Server:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.address = (parts.hostname, parts.port or 80)
        answer = self.request('GET', '/v1/models')
        self.model = json.load(answer)['data'][0]['id']

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        connection.request(method, path, body, {'Content-Type': 'application/json'})
        answer = connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f'{path}: expected status 200, found {answer.status}: {answer.read(500).decode()}')
        return answer

    def first_token(self, text, tokens):
        """Milliseconds until the first text of an answer arrives, and the prompt's tokens."""
        body = json.dumps({'model': self.model, 'messages': [{'role': 'user', 'content': text}], 'stream': True,
                           'max_tokens': tokens, 'ignore_eos': True, 'stream_options': {'include_usage': True}})
        began = time.perf_counter()
        first, usage = None, None
        for line in self.request('POST', '/v1/chat/completions', body):
            if not line.startswith(b'data: {'):
                continue
            event = json.loads(line[len('data: '):])
            usage = event.get('usage') or usage
            delta = event['choices'][0]['delta'] if event['choices'] else {}
            if first is None and (delta.get('content') or delta.get('reasoning_content')):
                first = (time.perf_counter() - began) * 1e3
        return first, usage['prompt_tokens']


def one_round(server, texts, tokens):
    gate = threading.Barrier(len(texts))

    def ask(text):
        gate.wait()
        return server.first_token(text, tokens)

    with concurrent.futures.ThreadPoolExecutor(len(texts)) as threads:
        found = list(threads.map(ask, texts))
    return [one for one in found if one[0] is not None]  # an answer may be without text


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('url')
    options.add_argument('--at-once', default='1,2', help='prompts of a round; several numbers: one after the other')
    options.add_argument('--rounds', type=int, default=25)
    options.add_argument('--low', type=int, default=64, help='words of the shortest prompt')
    options.add_argument('--high', type=int, default=256)
    options.add_argument('--output-tokens', type=int, default=6)
    options.add_argument('--seed', type=int, default=1)
    given = options.parse_args()
    draw = random.Random(given.seed)
    words = [''.join(draw.choice('bcdfglmnprst') + draw.choice('aeiou') for _ in range(draw.randint(1, 3)))
             for _ in range(2000)]
    server = Server(given.url)
    for at_once in map(int, given.at_once.split(',')):
        seen, lines = [], []
        for _ in range(given.rounds):
            texts = [' '.join(draw.choice(words) for _ in range(draw.randint(given.low, given.high)))
                     for _ in range(at_once)]
            found = one_round(server, texts, given.output_tokens)
            seen += found
            lines.append('/'.join(f'{first:.1f}' for first, _ in sorted(found)))
        print(f'{at_once} at once: ' + ' '.join(lines))
        for first, prompt in sorted(seen, reverse=True)[:3]:
            print(f'  slow: {first:.1f} ms, a prompt of {prompt} tokens')


if __name__ == '__main__':
    main()
