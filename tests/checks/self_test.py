#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the checks themselves, on small bad trees and pages: self_test.py COMMAND_FILE"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True

import compile_pair
import extract_snippets
import file_rules
import layering

# Without the directories of headers: what is tested here is the checks, not tenon.
COMMAND = [a for a in pathlib.Path(sys.argv.pop()).read_text(encoding="utf-8").splitlines() if not a.startswith("-I")]


def header(*includes):
    return "".join(f"#include {i}\n" for i in includes)


def faults_of(path, *includes):
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(header(*includes))
        return [fault for _, fault in layering.check_file(pathlib.Path(directory), file)]


class Layering(unittest.TestCase):
    def assert_allowed(self, path, *includes):
        self.assertEqual(faults_of(path, *includes), [])

    def assert_refused(self, path, include, reason):
        faults = faults_of(path, include)
        self.assertEqual(len(faults), 1, f"{path} with {include}: {faults}")
        self.assertIn(reason, faults[0])

    def test_downward_and_own_folder(self):
        self.assert_allowed("engine/engine.hpp", '"tenon/engine/recipe.hpp"', '"tenon/core/ids.hpp"', "<vector>")
        self.assert_allowed("scheduling/chunked_prefill.hpp", '"tenon/cache/page_ledger.hpp"', '"tenon/work/step.hpp"')

    def test_upward(self):
        self.assert_refused("core/ids.hpp", '"tenon/work/step.hpp"', "below or beside")
        self.assert_refused("cpu/cpu.hpp", '"tenon/model/qwen3.hpp"', "below or beside")
        self.assert_refused("scheduling/x.hpp", '"tenon/engine/engine.hpp"', "below or beside")

    def test_backends(self):
        self.assert_refused("cpu/cpu.hpp", '"tenon/cuda/context.hpp"', "backend cuda/")
        self.assert_refused("cuda/context.hpp", '"tenon/cpu/cpu.hpp"', "backend cpu/")
        self.assert_refused("model/op_chain.hpp", '"tenon/cpu/cpu.hpp"', "backend cpu/")
        self.assert_refused("tenon.hpp", '"tenon/cpu/cpu.hpp"', "backend cpu/")
        self.assert_allowed("attention/reference_attention.hpp", '"tenon/cpu/cpu.hpp"')
        self.assert_allowed("cpu.hpp", '"tenon/cpu/cpu.hpp"', '"tenon/tenon.hpp"')
        self.assert_allowed("attention/paged_prefill.cuh", '"tenon/cuda/warp.cuh"', "<cub/warp/warp_reduce.cuh>")

    def test_third_party(self):
        self.assert_refused("core/ids.hpp", "<boost/json.hpp>", "only checkpoint/")
        self.assert_refused("text/chat.hpp", "<boost/asio.hpp>", "only asio/")
        self.assert_refused("runtime/model_runner.hpp", "<cuda_runtime.h>", "only cuda/")
        self.assert_refused("checkpoint/safetensors.hpp", "<utf8proc.h>", "only text/")
        self.assert_refused("cache/page_ledger.hpp", "<nccl.h>", "only parallel/")
        self.assert_refused("cpu/gemm.hpp", "<Eigen/Core>", "no rule allows")
        self.assert_refused("text/bpe.hpp", "<regex>", "std::regex")
        self.assert_allowed("text/nfc.hpp", "<utf8proc.h>", "<boost/json/value.hpp>")
        self.assert_allowed("cpu/dot.hpp", "<immintrin.h>")

    def test_kinds_of_headers(self):
        self.assert_refused("cuda/context.hpp", '"tenon/cuda/gemm.cuh"', "includes no .cuh")
        self.assert_refused("core/ids.hpp", '"tenon/tenon.hpp"', "umbrella")
        self.assert_refused("core/ids.hpp", '"ids.hpp"', 'included as "tenon/..."')
        self.assert_refused("tenon.hpp", '"tenon/text/tokenizer.hpp"', "must not bring in")
        self.assertIn("has no layer", faults_of("strange/thing.hpp")[0])


class FileRules(unittest.TestCase):
    def faults(self, path, text):
        return [fault for _, fault in file_rules.check_text(pathlib.Path(path), text)]

    def test_headers(self):
        good = "// SPDX-License-Identifier: Apache-2.0\n#pragma once\n"
        self.assertEqual(self.faults("include/tenon/core/x.hpp", good), [])
        self.assertEqual(len(self.faults("include/tenon/core/x.hpp", "#pragma once\n")), 1)
        self.assertEqual(len(self.faults("include/tenon/core/x.hpp", good + "#define X 1\n")), 1)
        self.assertEqual(len(self.faults("include/tenon/core/x.hpp", good + "  assert(x);\n")), 1)
        self.assertEqual(len(self.faults("include/tenon/core/x.hpp", good + "// line\n" * 500)), 1)

    def test_any_file(self):
        self.assertEqual(len(self.faults("docs/x.md", "see /ho" + "me/somebody/x\n")), 1)
        self.assertEqual(self.faults("docs/x.md", "see ../shared/x and build/work/x\n"), [])
        self.assertEqual(len(self.faults("tests/x.py", "# SPDX-License-Identifier: Apache-2.0\n# TO" + "DO\n")), 1)

    def test_names(self):
        for name in ("utils", "string_utils", "common", "test_helpers", "misc"):
            self.assertTrue(file_rules.FORBIDDEN_NAME.search(name), name)
        for name in ("utility_model", "commonwealth", "uncommon"):
            self.assertFalse(file_rules.FORBIDDEN_NAME.search(name), name)


class CompilePair(unittest.TestCase):
    def faults(self, text):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "pair.cpp"
            file.write_text(text)
            return list(compile_pair.check(COMMAND, str(file)))

    def test_pairs(self):
        refusal = "#ifdef TENON_COMPILE_FAIL\nstatic_assert(false, \"a reason\");\n#endif\n"
        self.assertEqual(self.faults("// expect: a reason\n" + refusal), [])
        self.assertIn("must say", self.faults("// expect: another one\n" + refusal)[0])
        self.assertIn("must not compile", self.faults("// expect: a reason\n")[0])
        self.assertIn("must compile", self.faults("// expect: a reason\nwrong\n" + refusal)[0])
        self.assertIn("expected a line", self.faults(refusal)[0])


class Snippets(unittest.TestCase):
    def check(self, text):
        """The exit status and output of the script, for a page that holds `text`."""
        with tempfile.TemporaryDirectory() as directory:
            page, command = pathlib.Path(directory) / "page.md", pathlib.Path(directory) / "command"
            page.write_text(text)
            command.write_text("\n".join(COMMAND))
            script = pathlib.Path(__file__).with_name("extract_snippets.py")
            run = subprocess.run([sys.executable, script, page, pathlib.Path(directory) / "out", command],
                                 capture_output=True, text=True)
            return run.returncode, run.stdout + run.stderr

    def test_good_blocks(self):
        status, output = self.check(
            "```cpp\n#include <map>\nint main() { return std::map<int, int>{}.size() == 0; }\n```\n"
            "<!-- cpp\nstd::string text;\n-->\n```cpp\nauto n = text.size();\n```\n"
            "<!-- cpp continues -->\n```cpp\nn += 1;\n```\n"
            "```cpp\ntemplate <class T> concept small = sizeof(T) < 9;\n```\n"
            "```cpp\nstd::string name(int i) {\n  return std::to_string(i);\n}\n```\n```text\nnot C++\n```\n")
        self.assertEqual(status, 0, output)
        self.assertIn("2 files, 0 do not", output)

    def test_bad_blocks(self):
        status, output = self.check("text\n\n```cpp\nint n = nowhere;\n```\n")
        self.assertNotEqual(status, 0)
        self.assertIn("page.md:4", output)
        self.assertNotEqual(self.check("```cpp ignore\nint i;\n```\n")[0], 0)
        self.assertNotEqual(self.check("```cpp\nint i;\n")[0], 0)


if __name__ == "__main__":
    unittest.main()
