#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one suite of a Boost.Test program, given as <program> <suite>, and exits as the program does.
# Exits 77, which ctest counts as skipped, if every test case said "skipped: ..." and none failed.

program=$1
suite=$2
output=$("$program" --run_test="$suite" --log_level=message --color_output=no 2>&1)
status=$?
printf '%s\n' "$output"
[ "$status" -eq 0 ] || exit "$status"

cases=$(printf '%s\n' "$output" | sed -n 's/^Running \([0-9]*\) test cases*\.\.\.$/\1/p')
skipped=$(printf '%s\n' "$output" | grep -c 'skipped: ')
[ -n "$cases" ] || { echo "run_suite.sh: '$program' does not say how many test cases it ran"; exit 1; }
[ "$skipped" -gt 0 ] && [ "$skipped" -ge "$cases" ] && exit 77
exit 0
