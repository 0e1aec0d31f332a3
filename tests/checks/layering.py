#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the #include lines of include/tenon and fails on a wrong direction: layering.py INCLUDE_DIR

The rules are those of docs/architecture.md: include downward or within your folder; a concrete backend is seen only by
the files named here; every third-party library has its folders; a .hpp includes no .cuh.
"""

import pathlib
import re
import sys

# Folders from the bottom up. A folder includes those of the lines above it, its own, and those named after the colon.
LAYERS = """
core
work: core
backend
cpu cuda
precision
cache: precision
sampling launch parallel attention: precision cache
model checkpoint: model
runtime scheduling
engine: runtime scheduling
recipes: engine
text asio: text
"""

# Files (path prefixes) that may name a concrete backend, beside the backend's own folder.
BACKEND_USERS = {
    "cpu": ["attention/reference_attention.hpp", "recipes/reference.hpp", "cpu.hpp"],
    "cuda": [".cuh", "launch/graph_replay.hpp", "recipes/serving.hpp"],
}

# Folders that no engine header sees: text in and out belongs to the program around the engine.
OUTER = {"text", "asio", "checkpoint"}

# What an umbrella header may reach; tenon.hpp is the engine without backend, Boost and files.
UMBRELLAS = {
    "tenon.hpp": set(),
    "cpu.hpp": {"cpu"},
    "checkpoint.hpp": {"checkpoint"},
    "text.hpp": {"text"},
    "asio.hpp": {"asio", "text"},
    "cuda.cuh": {"cuda"},
}

# Third-party headers: pattern of the include, and the places that may have it.
CUDA_PLACES = ["cuda/", "launch/graph_replay.hpp", ".cuh"]
THIRD_PARTY = [
    (r"boost/json(/|\.hpp$)", ["checkpoint/", "text/"]),
    (r"boost/(asio|beast|system|url)(/|\.hpp$)", ["asio/"]),
    (r"utf8proc\.h$", ["text/"]),
    (r"nccl\.h$", ["parallel/tensor_parallel.hpp"]),
    (r"(cuda|cublas|cub/|thrust/|nv/|nvtx3/|cooperative_groups|mma\.h|driver_types\.h|vector_types\.h)", CUDA_PLACES),
]

STANDARD = re.compile(r"[a-z_0-9]+$")
# Headers of the platform: memory, files and threads of POSIX, and the intrinsics of the processor.
PLATFORM = re.compile(r"(immintrin|cpuid|arm_neon|unistd|fcntl|sched|pthread)\.h$|(sys|linux)/[a-z_]+\.h$")
FORBIDDEN_STANDARD = {"regex": "std::regex has no \\p{} and takes seconds to compile", "iostream": "it adds static objects to every user's program"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def parse_layers():
    """Folder -> the set of folders that it may include."""
    allowed, below = {}, set()
    for line in LAYERS.split("\n"):
        if not line.strip():
            continue
        names, _, sideways = line.partition(":")
        for name in names.split():
            allowed[name] = below | {name} | set(sideways.split())
        below |= set(names.split())
    return allowed


ALLOWED = parse_layers()


def matches(path, places):
    return any(path.startswith(place) or (place.startswith(".") and path.endswith(place)) for place in places)


def folder_of(path):
    return path.split("/")[0] if "/" in path else None


def check_own(path, target):
    """The reason why `path` must not include tenon/`target`, or None."""
    if path.endswith(".hpp") and target.endswith(".cuh"):
        return "a .hpp compiles with the host compiler alone and includes no .cuh"
    folder, other = folder_of(path), folder_of(target)
    if other is None:
        if folder is not None:
            return "an umbrella header is for users, not for the library"
        return None
    if other not in ALLOWED:
        return f"'{other}' has no layer"
    if other in BACKEND_USERS and folder != other and not matches(path, BACKEND_USERS[other]):
        return f"the backend {other}/ is seen only by {', '.join(BACKEND_USERS[other])}"
    if folder is None:
        if path not in UMBRELLAS:
            return "is no umbrella header that the rules know"
        if other in OUTER and other not in UMBRELLAS[path]:
            return f"{path} must not bring in {other}/"
        return None
    if other not in ALLOWED[folder]:
        return f"{folder}/ lies below or beside {other}/"
    if other in OUTER and folder not in OUTER:
        return f"{other}/ is for the program around the engine"
    return None


def check_foreign(path, target):
    """The reason why `path` must not include the third-party or standard header `target`, or None."""
    if target in FORBIDDEN_STANDARD:
        return FORBIDDEN_STANDARD[target]
    if STANDARD.match(target) or PLATFORM.match(target):
        return None
    for pattern, places in THIRD_PARTY:
        if re.match(pattern, target):
            if matches(path, places):
                return None
            return f"only {', '.join(places)} may include it"
    return "no rule allows this library"


def check_file(root, file):
    path = file.relative_to(root).as_posix()
    folder = folder_of(path)
    if folder is not None and folder not in ALLOWED:
        yield 1, f"the folder '{folder}' has no layer"
        return
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if "__CUDACC__" in line:
            yield number, "__CUDACC__: a header is for one compiler, told by its extension"
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, target = match.groups()
        if target.startswith("tenon/"):
            reason = check_own(path, target.removeprefix("tenon/"))
        elif quote == '"':
            reason = 'a header of tenon is included as "tenon/...", any other one as <...>'
        else:
            reason = check_foreign(path, target)
        if reason:
            yield number, f"includes {target}: {reason}"


def main():
    root = pathlib.Path(sys.argv[1]) / "tenon"
    files = sorted(f for f in root.rglob("*") if f.suffix in (".hpp", ".cuh", ".h"))
    if not files:
        sys.exit(f"layering: no header below {root}")
    faults = 0
    for file in files:
        for number, fault in check_file(root, file):
            print(f"{file}:{number}: {fault}")
            faults += 1
    print(f"layering: {len(files)} headers, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
