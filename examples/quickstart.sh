#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to a chat: bash examples/quickstart.sh [--yes]
# or to a server:               bash examples/quickstart.sh --server [--yes] [option of the server...]
#
# Installs what is missing with apt (says what and asks; --yes asks nothing), builds, and opens a chat with the model in
# examples/tiny_model, or serves it at http://127.0.0.1:8000. Without a terminal the chat asks three questions and ends.
set -eu
cd "$(dirname "$0")/.."

install_options=()
program=chat
server_options=()
for argument in "$@"; do
  case $argument in
    --yes) install_options+=(--yes) ;;
    --server) program=server ;;
    *)
      if [ "$program" = chat ]; then
        echo "usage: bash examples/quickstart.sh [--yes] | --server [--yes] [option of the server...]" >&2
        exit 2
      fi
      server_options+=("$argument")
      ;;
  esac
done

build=${TENON_BUILD_DIR:-build}/quickstart
bash examples/install_packages.sh "${install_options[@]}" chat

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Configuring and building the $program, a minute or two..."
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTENON_CUDA=OFF -DTENON_WARNINGS_AS_ERRORS=OFF \
  -DTENON_BUILD_TESTS=OFF -DTENON_BUILD_BENCHMARKS=OFF > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
cmake --build "$build" --parallel "$(nproc)" --target "$program" > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
rm -f "$log"

run=("$build/examples/$program" --model examples/tiny_model)
if [ "$program" = server ]; then
  echo "A chat page and the OpenAI API, at http://127.0.0.1:8000 unless --port says otherwise. Ctrl-C ends it."
  exec "${run[@]}" "${server_options[@]}"
fi
if [ -t 0 ]; then
  exec "${run[@]}"
fi
"${run[@]}" --ask "What is 123 + 456?" --ask "Sort these numbers: 42, 7, 19, 3" \
  --ask "How many times does the letter r appear in strawberry?" < /dev/null
