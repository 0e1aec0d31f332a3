#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests that need a GPU: bash tests/gpu.sh [--prebuilt DIR] [--build-only] [-j N]
#
#   --prebuilt DIR  run the test programs in DIR, a build directory made elsewhere, and build nothing
#   --build-only    build them and run nothing; boost is linked statically, so that DIR can go to another machine
#   -j N            at most N build jobs (default: the processors that this process may use)
#
# Without --prebuilt the preset `cuda` is built in build/cuda (or TENON_BUILD_DIR/cuda). The last line is
# `N passed, N failed, N skipped`, counted over test suites.
set -u
cd "$(dirname "$0")/.." || exit 1

prebuilt=
run=1
jobs=$(nproc)
while [[ $# -gt 0 ]]; do
  case $1 in
    --prebuilt) prebuilt=${2:?--prebuilt expects a directory}; shift ;;
    --build-only) run=0 ;;
    -j) jobs=${2:?-j expects a number}; shift ;;
    -j*) jobs=${1#-j} ;;
    *) echo "usage: bash tests/gpu.sh [--prebuilt DIR] [--build-only] [-j N]" >&2; exit 2 ;;
  esac
  shift
done

# Every tests/<folder>/<stem>.cu is the suite <stem> of the program gpu_test_<folder>.
mapfile -t suites < <(cd tests && ls -- */*.cu | grep -v '^reference/' | sed 's/\.cu$//')
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
for suite in "${suites[@]}"; do
  # shellcheck disable=SC2016
  timeout 900 sh tests/checks/run_suite.sh "$directory/tests/gpu_test_${suite%/*}" "${suite#*/}" > "$log" 2>&1 < /dev/null
  case $? in
    0) passed=$((passed + 1)); echo "passed   $suite" ;;
    77) skipped=$((skipped + 1)); echo "skipped  $suite: $(grep -m 1 -o 'skipped: .*' "$log")" ;;
    *) failed=$((failed + 1)); echo "FAILED   $suite"; tail -n 40 "$log" ;;
  esac
done
rm -f "$log"
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
