#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to a chat: bash examples/quickstart.sh [--yes]
#
# Installs what is missing with apt (says what and asks; --yes asks nothing), builds the chat example and opens it with the
# model in examples/tiny_model. Without a terminal it asks three questions and ends.
set -eu
cd "$(dirname "$0")/.."

install_options=()
for argument in "$@"; do
  case $argument in
    --yes) install_options+=(--yes) ;;
    *) echo "usage: bash examples/quickstart.sh [--yes]" >&2; exit 2 ;;
  esac
done

build=${TENON_BUILD_DIR:-build}/quickstart
bash examples/install_packages.sh "${install_options[@]}" chat

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Configuring and building the chat, a minute or two..."
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTENON_CUDA=OFF -DTENON_WARNINGS_AS_ERRORS=OFF \
  -DTENON_BUILD_TESTS=OFF -DTENON_BUILD_BENCHMARKS=OFF > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
cmake --build "$build" --parallel "$(nproc)" --target chat > "$log" 2>&1 || { cat "$log" >&2; exit 1; }

chat=("$build/examples/chat" --model examples/tiny_model)
rm -f "$log"
if [ -t 0 ]; then
  exec "${chat[@]}"
fi
"${chat[@]}" --ask "What is 123 + 456?" --ask "Sort these numbers: 42, 7, 19, 3" \
  --ask "How many times does the letter r appear in strawberry?" < /dev/null
