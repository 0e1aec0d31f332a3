# SPDX-License-Identifier: Apache-2.0
"""The chat page in headless Chromium: what a user sees and does, and that text stays text.

With TENON_SCREENSHOTS=DIRECTORY it writes the pictures of the documentation there.
"""

import os
import pathlib
import threading
import time
import unittest

from browser import Browser, chromium
from serving import Server, ServerTest

SHOTS = os.environ.get("TENON_SCREENSHOTS")
DONE = "at('stop').hidden"
ANSWER = "[...document.querySelectorAll('.answer')].at(-1)"


class Tab(Browser):
    def ask(self, text):
        self.run("at('ask').focus()")
        self.type(text)
        self.press("Enter")

    def ask_and_wait(self, text):
        count = self.run("document.querySelectorAll('.answer').length")
        self.ask(text)
        self.wait(f"document.querySelectorAll('.answer').length > {count} && {DONE}")
        return self.run(ANSWER + ".querySelector('.text').innerText")

    def shot(self, name, settle=0.3):
        if SHOTS:
            time.sleep(settle)
            self.screenshot(pathlib.Path(SHOTS) / name)


@unittest.skipUnless(chromium(), "no chromium is installed")
class Page(ServerTest):
    options = ("--rows", 16)

    def tab(self, **options):
        tab = Tab(self.server.url + "/", **options)
        self.addCleanup(tab.close)
        tab.wait("at('model').value === 'tiny_model'")
        self.addCleanup(lambda: self.assertEqual(tab.faults, []))
        return tab

    def test_an_answer_streams_with_its_thinking_folded(self):
        tab = self.tab()
        self.assertEqual(tab.run("document.activeElement.id"), "ask")
        self.assertTrue(tab.run("at('send').disabled"))
        self.assertEqual(tab.ask_and_wait("What is 123 + 456?"), "123 + 456 = 579")
        self.assertTrue(tab.run(ANSWER + ".querySelector('details').open === false"))
        self.assertIn("579", tab.run(ANSWER + ".querySelector('details > div').textContent"))
        self.assertRegex(tab.run(ANSWER + ".querySelector('summary').textContent"), r"^Thought for [\d.]+ m?s$")
        self.assertRegex(tab.run(ANSWER + ".querySelector('.foot').textContent"), r"\d+ tokens.*tokens / s.*first after \d+ ms")
        self.assertEqual({url.removeprefix(self.server.url) for url in tab.requests if not url.startswith("data:")},
                         {"/", "/v1/models", "/metrics", "/v1/chat/completions"})
        self.assertIn("42, 19, 7", tab.ask_and_wait("Sort 19, 7, 42 in descending order"))

    def test_without_thinking_and_with_sampling(self):
        tab = self.tab()
        tab.run("at('think').click()")
        self.assertEqual(tab.run("at('think').ariaPressed"), "false")
        tab.run("at('open').click()")
        tab.run("at('max_tokens').value = '4'; at('seed').value = '7'; at('temperature').value = '0'; at('system').value = 'Be brief.'")
        tab.ask_and_wait("What is 1 + 2?")
        self.assertFalse(tab.run(f"!!{ANSWER}.querySelector('details')"))
        self.assertIn("cut off", tab.run(ANSWER + ".querySelector('.foot').textContent"))
        self.assertEqual(tab.run("JSON.stringify([body().seed, body().temperature, body().top_p, body().messages[0].role])"), '[7,0,null,"system"]')

    def test_stop_and_again(self):
        tab = self.tab()
        tab.run("at('max_tokens').value = '3000'; const plain = body; window.body = () => ({...plain(), ignore_eos: true, enable_thinking: false})")
        for stop in (lambda: tab.press("Escape"), lambda: tab.run("at('stop').click()")):
            tab.ask("What is 1 + 2?")
            tab.wait(ANSWER + "?.querySelector('.text').innerText.length > 20")
            self.server.wait_until_running()
            stop()
            tab.wait(DONE)
            self.server.wait_until_idle()
            self.assertIn("stopped", tab.run(ANSWER + ".querySelector('.foot').textContent"))
        tab.run("window.body = plain; at('max_tokens').value = ''")
        tab.run(f"[...{ANSWER}.querySelectorAll('.foot button')].find(b => b.textContent === 'Again').click()")
        tab.wait(f"{DONE} && {ANSWER}.querySelector('.text').innerText === '1 + 2 = 3'")
        tab.run("at('fresh').click()")
        self.assertEqual(tab.run("messages.length + document.querySelectorAll('.answer').length"), 0)

    def test_a_tool_is_called_and_answered(self):
        tab = self.tab()
        tab.run("[...document.querySelectorAll('#ideas button')].at(-1).click()")
        tab.wait(DONE + " && !!document.querySelector('.call form')")
        self.assertEqual(tab.run("document.querySelector('.call b').textContent"), "get_weather")
        self.assertEqual(tab.run("JSON.parse(document.querySelector('.call pre').textContent).city"), "Paris")
        tab.type('{"temperature": 21, "condition": "sunny"}')
        tab.shot("chat_tool_call.png")
        tab.press("Enter")
        tab.wait(DONE + " && document.querySelectorAll('.answer').length === 2")
        self.assertIn("21", tab.run(ANSWER + ".querySelector('.text').innerText"))

    def test_text_stays_text(self):
        tab = self.tab()
        evil = "<img src=x onerror=\"window.owned=1\"><script>window.owned=1</script> **b** `c` javascript:alert(1)"
        tab.ask_and_wait(evil)
        tab.run("""{ const made = new answer(); made.take({choices: [{delta: {content: %r, reasoning_content: %r,
                tool_calls: [{index: 0, id: "1", function: {name: %r, arguments: %r}}]}}]}); made.ended = true; made.draw(); }""" % ((evil,) * 4))
        tab.run("(() => { const made = new answer(); made.fail({message: %r, code: %r}); })()" % (evil, evil))
        time.sleep(0.3)
        self.assertFalse(tab.run("!!window.owned || !!document.querySelector('#log img, #log script, #log a, #log iframe')"))
        self.assertEqual(tab.run("document.querySelectorAll('#log b').length - document.querySelectorAll('.call b').length"), 1)
        self.assertIn("frame-ancestors 'none'", self.server.request("GET", "/")[1].get("content-security-policy", ""))
        self.assertNotIn("innerHTML", self.server.get("/")[1])

    def test_markdown_becomes_elements(self):
        tab = self.tab()
        shown = tab.run(r"""(() => { const box = make("div"); box.append(...blocks(
            "# Head\nText **bold** and `code`\n- one\n- two\n\n3. three\n\n```cpp\nint a < b;\n\n# no head\n```\nend"));
            return box.innerHTML; })()""")
        self.assertEqual(shown, "<h3>Head</h3><p>Text <b>bold</b> and <code>code</code></p><ul><li>one</li><li>two</li></ul>"
                                '<ol start="3"><li>three</li></ol><pre tabindex="0"><code>int a &lt; b;\n\n# no head</code></pre><p>end</p>')

    def test_an_error_is_told(self):
        tab = self.tab()
        tab.run("at('temperature').value = '-1'")
        tab.ask_and_wait("What is 1 + 2?")
        told = tab.run(ANSWER + ".querySelector('[role=alert]').textContent")
        self.assertIn("temperature", told)
        self.assertRegex(told, "request .")

    def test_the_strip_shows_the_batch_of_all(self):
        tab = self.tab()
        wish = {"max_tokens": 1500, "ignore_eos": True, "enable_thinking": False}
        others = [threading.Thread(target=self.server.chat, args=(f"What is {i} + 2?",), kwargs=wish) for i in range(5)]
        for other in others:
            other.start()
        tab.ask("Extract name, age and city as JSON: Maria is 34 years old and lives in Lisbon.")
        tab.wait("Number(at('running').textContent) >= 5 && Number(at('mean').textContent) > 1 && document.querySelectorAll('#rows .runs').length >= 5")
        self.assertGreater(tab.run("document.querySelectorAll('#history .eager, #history .replay').length"), 0)
        self.assertNotEqual(tab.run("at('rate').textContent"), "–")
        for other in others:
            other.join()
        tab.wait("at('running').textContent === '0'")

    def test_keyboard_alone_reaches_everything(self):
        tab = self.tab()
        tab.run("document.body.focus(); document.activeElement.blur()")
        reached = []
        for _ in range(40):
            tab.press("Tab")
            reached.append(tab.run("document.activeElement.id || document.activeElement.textContent.slice(0, 12)"))
        for name in ("fresh", "open", "ask", "think"):
            self.assertIn(name, reached)
        tab.run("document.activeElement.blur()")
        tab.press("/")
        self.assertEqual(tab.run("document.activeElement.id"), "ask")
        self.assertEqual(tab.run("[...document.querySelectorAll('input, textarea, select, button')].filter(e => "
                                 "!(e.labels?.length || e.ariaLabel || e.textContent.trim())).length"), 0)

    def test_pictures_in_light_and_dark(self):
        tab = self.tab(width=1200, height=760)
        others = [threading.Thread(target=self.server.chat, args=(f"What is {i} + 2?",), kwargs={
            "max_tokens": 2000 if SHOTS else 20, "ignore_eos": True, "enable_thinking": False}) for i in range(15)]
        tab.ask_and_wait("What is 123 + 456?")
        tab.ask_and_wait("Sort pear, apple, fig.")
        for other in others:
            other.start()
        if SHOTS:
            time.sleep(4)
        tab.run("document.querySelector('details').open = true")
        tab.ask("Extract name, age and city as JSON: Maria is 34 years old and lives in Lisbon.")
        tab.wait(ANSWER + "?.querySelector('.text').innerText.length > 3")
        tab.shot("chat_streaming.png", settle=0)
        tab.wait(DONE)
        colours = []
        for dark in (False, True):
            tab.scheme(dark)
            tab.shot("chat_dark.png" if dark else "chat_light.png")
            colours.append(tab.run("getComputedStyle(document.body).backgroundColor"))
        self.assertNotEqual(*colours)
        tab.resize(390, 780)
        self.assertLessEqual(tab.run("document.documentElement.scrollWidth"), 390)
        for other in others:
            other.join()


@unittest.skipUnless(chromium(), "no chromium is installed")
class Keys(unittest.TestCase):
    def test_the_page_asks_for_a_key(self):
        with Server("--api-key", "the-key") as server, Tab(server.url + "/") as tab:
            tab.wait("!at('panel').hidden")
            tab.run("at('api_key').focus()")
            tab.type("the-key")
            tab.press("Tab")
            tab.wait("at('model').value === 'tiny_model'")
            self.assertEqual(tab.ask_and_wait("What is 123 + 456?"), "123 + 456 = 579")
            tab.wait("at('running').textContent === '0'")
            self.assertNotIn("the-key", tab.run("localStorage.getItem('tenon')"))


if __name__ == "__main__":
    unittest.main()
