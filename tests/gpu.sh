#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests that need a GPU: bash tests/gpu.sh [--prebuilt DIR] [--build-only] [--sanitize] [-j N] [SUITE...]
#
#   --prebuilt DIR  run the test programs in DIR, a build directory made elsewhere, and build nothing
#   --build-only    build them and run nothing; boost is linked statically, so that DIR can go to another machine
#   --sanitize      run the suites of tests/sanitize, which launch every kernel with few rows and short contexts, under
#                   compute-sanitizer's memcheck, racecheck, initcheck and synccheck, all at one time; with Nsight
#                   Compute's ncu at hand, fail if one of include/tenon's kernels was not launched
#   SUITE           run these alone: <folder>/<stem>
#   -j N            at most N build jobs (default: the processors that this process may use)
#
# Without --prebuilt the preset `cuda` is built in build/cuda (or TENON_BUILD_DIR/cuda). The last line is
# `N passed, N failed, N skipped`, counted over test suites.
set -u
cd "$(dirname "$0")/.." || exit 1

prebuilt=
run=1
tools=("")
wanted=()
jobs=$(nproc)
while [[ $# -gt 0 ]]; do
  case $1 in
    --prebuilt) prebuilt=${2:?--prebuilt expects a directory}; shift ;;
    --build-only) run=0 ;;
    --sanitize) tools=(memcheck racecheck initcheck synccheck) ;;
    -j) jobs=${2:?-j expects a number}; shift ;;
    -j*) jobs=${1#-j} ;;
    */*) wanted+=("$1") ;;
    *) echo "usage: bash tests/gpu.sh [--prebuilt DIR] [--build-only] [--sanitize] [-j N] [SUITE...]" >&2; exit 2 ;;
  esac
  shift
done

# Every tests/<folder>/<stem>.cu is the suite <stem> of the program gpu_test_<folder>.
mapfile -t suites < <(cd tests && ls -- */*.cu | grep -v '^reference/' | sed 's/\.cu$//')
if [[ ${#wanted[@]} -gt 0 ]]; then suites=("${wanted[@]}"); fi
if [[ -n ${tools[0]} ]]; then mapfile -t suites < <(printf '%s\n' "${suites[@]}" | grep '^sanitize/'); fi
programs=$(printf 'gpu_test_%s\n' "${suites[@]%%/*}" | sort -u)

directory=$prebuilt
if [[ -z $directory ]]; then
  directory=${TENON_BUILD_DIR:-build}/cuda
  # shellcheck disable=SC2086
  cmake --preset cuda -B "$directory" -DBoost_USE_STATIC_LIBS=ON &&
    cmake --build "$directory" --parallel "$jobs" --target $programs || exit 1
fi
[[ $run -eq 1 ]] || exit 0

export TENON_SOURCE_DIR=$PWD
passed=0
failed=0
skipped=0
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

run_suite() {  # suite, tool or nothing, log: the exit status goes to <log>.status
  local program=$directory/tests/gpu_test_${1%/*}
  if [[ -z $2 ]]; then
    timeout 900 sh tests/checks/run_suite.sh "$program" "${1#*/}"
  else
    local cases=(--run_test="${1#*/}")
    if [[ $2 == racecheck ]]; then cases+=('--run_test=!@not_racecheck'); fi
    timeout 900 compute-sanitizer --tool "$2" --error-exitcode 99 --print-limit 5 \
      "$program" "${cases[@]}" --log_level=message --color_output=no
  fi > "$3" 2>&1 < /dev/null
  echo $? > "$3.status"
}

report() {  # name, log
  local status
  status=$(< "$2.status")
  case $status in
    0) passed=$((passed + 1)); echo "passed   $1" ;;
    77) skipped=$((skipped + 1)); echo "skipped  $1: $(grep -m 1 -o 'skipped: .*' "$2")" ;;
    *) failed=$((failed + 1)); echo "FAILED   $1 (exit status $status)"; tail -n 40 "$2" ;;
  esac
}

if [[ -z ${tools[0]} ]]; then
  for suite in "${suites[@]}"; do
    run_suite "$suite" "" "$logs/log"
    report "$suite" "$logs/log"
  done
else
  for tool in "${tools[@]}"; do
    for suite in "${suites[@]}"; do run_suite "$suite" "$tool" "$logs/$tool.${suite#*/}" & done
  done
  if command -v ncu > /dev/null && [[ ${#wanted[@]} -eq 0 ]]; then
    { python3 tests/checks/launched_kernels.py "$directory/tests/gpu_test_sanitize" "${suites[@]#*/}" > "$logs/kernels" 2>&1
      echo $? > "$logs/kernels.status"; } &
  fi
  wait
  for tool in "${tools[@]}"; do
    for suite in "${suites[@]}"; do report "$suite under $tool" "$logs/$tool.${suite#*/}"; done
  done
  if [[ -e $logs/kernels.status ]]; then report "every kernel is launched" "$logs/kernels"; fi
fi
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
