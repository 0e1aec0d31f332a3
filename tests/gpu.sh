#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests that need a GPU: bash tests/gpu.sh [--prebuilt DIR] [--build-only] [--sanitize] [-j N] [SUITE...]
#
#   --prebuilt DIR  run the test programs in DIR, a build directory made elsewhere, and build nothing
#   --build-only    build them and run nothing; boost is linked statically, so that DIR can go to another machine
#   --sanitize      run the suites of kernels (folders cuda, attention, sampling) under compute-sanitizer's memcheck,
#                   racecheck, initcheck and synccheck, with few random cases
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
if [[ -n ${tools[0]} ]]; then
  mapfile -t suites < <(printf '%s\n' "${suites[@]}" | grep -E '^(cuda|attention|sampling)/')
  export TENON_TEST_SCALE=${TENON_TEST_SCALE:-0.01}
fi
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
log=$(mktemp)
for tool in "${tools[@]}"; do
  for suite in "${suites[@]}"; do
    program=$directory/tests/gpu_test_${suite%/*}
    if [[ -z $tool ]]; then
      timeout 900 sh tests/checks/run_suite.sh "$program" "${suite#*/}" > "$log" 2>&1 < /dev/null
    else
      timeout 900 compute-sanitizer --tool "$tool" --error-exitcode 99 --print-limit 5 \
        "$program" --run_test="${suite#*/}" --log_level=message --color_output=no > "$log" 2>&1 < /dev/null
    fi
    status=$?
    name="$suite${tool:+ under $tool}"
    case $status in
      0) passed=$((passed + 1)); echo "passed   $name" ;;
      77) skipped=$((skipped + 1)); echo "skipped  $name: $(grep -m 1 -o 'skipped: .*' "$log")" ;;
      *) failed=$((failed + 1)); echo "FAILED   $name (exit status $status)"; tail -n 40 "$log" ;;
    esac
  done
done
rm -f "$log"
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
