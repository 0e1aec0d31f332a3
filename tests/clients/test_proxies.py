# SPDX-License-Identifier: Apache-2.0
"""Behind nginx, with and without TLS, and behind haproxy: streams are not held back, aborts go through."""

import ssl
import unittest

import httpx
import openai

from proxies import Haproxy, Nginx
from serving import ServerTest, tool

SUM = [{"role": "user", "content": "What is 123 + 456?"}]


class Proxies(ServerTest):
    def check(self, proxy, certificate=None):
        verify = ssl.create_default_context(cafile=certificate) if certificate else True
        with httpx.Client(verify=verify) as web, openai.OpenAI(base_url=proxy.url + "/v1", api_key="EMPTY", max_retries=0, http_client=web) as client:
            def ask(**fields):
                return client.chat.completions.create(model="tiny_model", messages=SUM, **fields)
            self.assertEqual(ask(extra_body={"enable_thinking": False}).choices[0].message.content, "123 + 456 = 579")
            for _ in range(50):  # on connections that are kept
                self.assertEqual(web.post(proxy.url + "/tokenize", json={"prompt": "abc"}).status_code, 200)

            stream = ask(stream=True, max_tokens=3000, extra_body={"enable_thinking": False, "ignore_eos": True})
            next(iter(stream))
            self.server.wait_until_running()  # its first tokens are here, and it is not at its end: nothing holds the stream back
            stream.close()
            self.server.wait_until_idle()

            with self.assertRaises(openai.BadRequestError) as caught:
                ask(temperature=-1)
            self.assertEqual(caught.exception.param, "temperature")
            self.assertEqual(web.get(proxy.url + "/", timeout=10).headers["content-type"], "text/html; charset=utf-8")

    @unittest.skipUnless(tool("nginx"), "nginx is not installed")
    def test_nginx(self):
        with Nginx(self.server.host) as proxy:
            self.check(proxy)

    @unittest.skipUnless(tool("nginx") and tool("openssl"), "nginx or openssl is not installed")
    def test_nginx_with_tls(self):
        with Nginx(self.server.host, tls=True) as proxy:
            self.check(proxy, proxy.certificate)

    @unittest.skipUnless(tool("haproxy"), "haproxy is not installed")
    def test_haproxy(self):
        with Haproxy(self.server.host) as proxy:
            self.check(proxy)


if __name__ == "__main__":
    unittest.main()
