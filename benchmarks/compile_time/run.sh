#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What including tenon costs: bash benchmarks/compile_time/run.sh [BUILD_DIRECTORY]
#
# Compiles `#include <tenon/tenon.hpp>` and `#include <regex>` in turns, 7 times each, and prints both medians and their
# ratio as one JSON object. Where nvcc is, it compiles examples/embed_on_gpu.cu, one recipe with everything around it, three
# times for compute capability 9.0a, and prints the median and where the time goes. With a build directory of Ninja it lists
# the ten translation units that took longest there (build with CCACHE_DISABLE=1, or the times are those of the cache).
set -eu
cd "$(dirname "$0")/../.."

compiler=${CXX:-c++}
repeats=7
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for header in tenon/tenon.hpp tenon/cpu.hpp tenon/checkpoint.hpp tenon/text.hpp regex; do
  printf '#include <%s>\nint main() {}\n' "$header" > "$scratch/$(basename "$header").cpp"
done

seconds_of() {  # file: the processor time of one compilation, which a busy machine changes least
  local TIMEFORMAT='%U %S'
  { time "$compiler" -std=c++20 -O2 -Iinclude -c "$scratch/$1.cpp" -o /dev/null 2> "$scratch/errors" >&2; } 2>&1 ||
    { cat "$scratch/errors" >&2; exit 1; }
}

median() { sort -n "$scratch/$1.times" | sed -n "$(((repeats + 1) / 2))p"; }

for ((i = 0; i < repeats; ++i)); do
  for name in regex tenon.hpp cpu.hpp checkpoint.hpp text.hpp; do
    seconds_of "$name" | awk '{ printf "%.3f\n", $1 + $2 }' >> "$scratch/$name.times"
  done
done

commit=$(git rev-parse --short HEAD 2> /dev/null || echo unknown)
device=$(sed -n 's/^model name\t*: //p' /proc/cpuinfo 2> /dev/null | head -n 1)
ratio=$(awk -v a="$(median tenon.hpp)" -v b="$(median regex)" 'BEGIN { printf "%.2f", a / b }')
printf '{"benchmark": "compile_time", "compiler": "%s", "device": "%s", "commit": "%s", "date": "%s", ' \
  "$("$compiler" --version | head -n 1)" "${device:-unknown}" "$commit" "$(date -u +%F)"
printf '"repeats": %d, "seconds": {"regex": %s, "tenon.hpp": %s, "cpu.hpp": %s, "checkpoint.hpp": %s, "text.hpp": %s}, ' \
  "$repeats" "$(median regex)" "$(median tenon.hpp)" "$(median cpu.hpp)" "$(median checkpoint.hpp)" "$(median text.hpp)"
printf '"tenon_to_regex": %s}\n' "$ratio"

nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2> /dev/null || true)
gpu_seconds=0
if [[ -n $nvcc ]]; then
  TIMEFORMAT='%U %S'
  for i in 1 2 3; do
    rm -f "$scratch/phases"  # nvcc appends
    { time CCACHE_DISABLE=1 "$nvcc" --time "$scratch/phases" -std=c++20 --expt-relaxed-constexpr -O3 -DNDEBUG \
        -gencode arch=compute_90a,code=sm_90a -Iinclude -c examples/embed_on_gpu.cu -o "$scratch/embed_on_gpu.o" \
        2> "$scratch/errors" >&2; } 2>&1 | awk '{ printf "%.1f\n", $1 + $2 }' >> "$scratch/embed_on_gpu.times"
    [[ -s $scratch/embed_on_gpu.o ]] || { cat "$scratch/errors" >&2; exit 1; }
  done
  gpu_seconds=$(sort -n "$scratch/embed_on_gpu.times" | sed -n 2p)
  # Columns: source, phase, …, milliseconds, unit, of the last run.
  phases=$(awk -F' *, *' 'NR > 1 && $(NF - 1) >= 100 { printf "%s\"%s\": %.1f", n++ ? ", " : "", $2, $(NF - 1) / 1000 }' \
    "$scratch/phases")
  printf '{"benchmark": "compile_time_cuda", "compiler": "%s", "device": "%s", "commit": "%s", "date": "%s", ' \
    "$("$nvcc" --version | sed -n 's/.*release/nvcc/p')" "${device:-unknown}" "$commit" "$(date -u +%F)"
  printf '"repeats": 3, "embed_on_gpu.cu": %s, "phases": {%s}}\n' "$gpu_seconds" "$phases"
fi

if [[ $# -gt 0 ]]; then
  # .ninja_log: start, end (ms), mtime, output, hash; the last line of an output is its newest build.
  echo "the ten slowest translation units of $1, in seconds:"
  awk -F'\t' '$4 ~ /\.o$/ { t[$4] = ($2 - $1) / 1000 } END { for (o in t) printf "%7.1f  %s\n", t[o], o }' \
    "$1/.ninja_log" | sort -rn | head -n 10
fi

awk -v r="$ratio" 'BEGIN { exit !(r <= 2.5) }' || { echo "tenon.hpp takes more than 2.5 times as long as <regex>" >&2; exit 1; }
awk -v s="$gpu_seconds" 'BEGIN { exit !(s <= 45) }' || { echo "embed_on_gpu.cu takes more than 45 s of processor time" >&2; exit 1; }
