#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs the tests: bash tests/run.sh [--yes] [--all] [-j N]
#
#   --yes   ask nothing when packages are missing
#   --all   add the sanitizers, clang 16, compiling what needs a GPU, and the comparisons with reference implementations
#   -j N    at most N jobs (default: the processors that this process may use)
#
# The environment: TENON_TEST_DATA is a directory with real tokenizer files (tests that want them say "skipped" without
# it), TENON_BUILD_DIR takes the build output in place of build/.
# The last line is `N passed, N failed, N skipped`, counted over ctest entries, builds and comparisons.
set -u
cd "$(dirname "$0")/.." || exit 1

all=0
jobs=$(nproc)
install_options=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --all) all=1 ;;
    --yes) install_options+=(--yes) ;;
    -j) jobs=${2:?-j expects a number}; shift ;;
    -j*) jobs=${1#-j} ;;
    *) echo "usage: bash tests/run.sh [--yes] [--all] [-j N]" >&2; exit 2 ;;
  esac
  shift
done

# Objects of one clone serve another: their paths are hashed relative to it.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=true

root=${TENON_BUILD_DIR:-build}
mkdir -p "$root"
root=$(cd "$root" && pwd)
passed=0
failed=0
skipped=0
cases=0
stage_times=()

# Precompiled headers make a first build faster, but keep ccache from its work: they are for where it has nothing to give.
precompiled=ON
if [[ $(ccache --print-stats 2> /dev/null | awk '$1 == "files_in_cache" { print $2 }') -gt 0 ]]; then precompiled=OFF; fi

# The thread sanitizers of g++ 12 and clang 16 do not know the widest address randomisation that kernels have now.
fixed_addresses=()
if setarch "$(uname -m)" -R true 2> /dev/null; then fixed_addresses=(setarch "$(uname -m)" -R); fi

begin() {
  stage=$1
  started=$SECONDS
  echo
  echo "== $stage"
}

finish() {
  stage_times+=("$(printf '%5d s  %s' $((SECONDS - started)) "$stage")")
}

# Shows the end of a log whose command failed, and counts it as one failure.
fail_with() {  # what, log
  tail -n 100 "$2"
  echo "FAILED: $1 (all of it: $2)"
  failed=$((failed + 1))
}

build() {  # preset, [target...]
  local preset=$1 log=$root/$1-build.log options=() targets=()
  [[ -f $root/$preset/CMakeCache.txt ]] || options+=("-DTENON_PRECOMPILED_HEADERS=$precompiled")
  shift
  [[ $# -gt 0 ]] && targets=(--target "$@")
  begin "build $preset"
  if cmake --preset "$preset" -B "$root/$preset" "${options[@]}" > "$log" 2>&1 &&
    cmake --build "$root/$preset" --parallel "$jobs" "${targets[@]}" -- -k 20 >> "$log" 2>&1; then
    finish
    return 0
  fi
  grep -hE '(error|FAILED)\b' "$log" | head -n 40
  fail_with "build $preset" "$log"
  finish
  return 1
}

# Adds a JUnit file's counts to the totals, and the number of Boost.Test cases that the log names.
count_results() {  # directory
  local suite
  suite=$(grep -m 1 -A 12 '<testsuite' "$1/results.xml")
  attribute() { sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" <<< "$suite" | head -n 1; }
  local tests failures left_out disabled
  tests=$(attribute tests) failures=$(attribute failures) left_out=$(attribute skipped) disabled=$(attribute disabled)
  failed=$((failed + failures))
  skipped=$((skipped + left_out + disabled))
  passed=$((passed + tests - failures - left_out - disabled))
  cases=$((cases + $(sed -n 's/^Running \([0-9]*\) test cases*\.\.\.$/\1/p' "$1/Testing/Temporary/LastTest.log" |
    awk '{ sum += $1 } END { print sum + 0 }')))
}

run_tests() {  # preset, scale of random tests, [ctest option...]
  local directory=$root/$1 scale=$2
  begin "test $1"
  shift 2
  rm -f "$directory/results.xml"
  TENON_TEST_SCALE=${TENON_TEST_SCALE:-$scale} "${fixed_addresses[@]}" ctest --test-dir "$directory" --parallel "$jobs" --output-on-failure \
    --no-tests=error --output-junit "$directory/results.xml" "$@" < /dev/null
  if [[ -s $directory/results.xml ]]; then
    count_results "$directory"
  else
    echo "FAILED: ctest ended without results in $directory"
    failed=$((failed + 1))
  fi
  finish
}

# The Python half of each tests/oracle/<name>.py, in an environment of its own. A script gets those of our options that its
# --help names; status 77 means that it had nothing to compare with.
run_oracles() {
  local venv=$root/oracle_venv log=$root/oracle.log script name count
  begin "comparisons with reference implementations"
  count=$(find tests/oracle -name '*.py' 2> /dev/null | wc -l)
  [[ $count -gt 0 ]] || return
  bash examples/install_packages.sh "${install_options[@]}" --optional venv || true
  if ! { [[ -x $venv/bin/python ]] || python3 -m venv "$venv"; } > "$log" 2>&1 ||
    ! timeout 600 "$venv/bin/pip" install --quiet --retries 1 --timeout 20 \
      numpy jinja2 tokenizers transformers >> "$log" 2>&1; then
    echo "skipped: the $count comparisons, because pip could not install the references ($log)"
    skipped=$((skipped + count))
    finish
    return
  fi
  for script in tests/oracle/*.py; do
    name=$(basename "$script" .py)
    run_oracle "$script" "$venv" > "$root/oracle_$name.log" 2>&1
    case $? in
      0) tail -n 3 "$root/oracle_$name.log"; passed=$((passed + 1)); echo "passed: $name" ;;
      77) tail -n 1 "$root/oracle_$name.log"; skipped=$((skipped + 1)); echo "skipped: $name" ;;
      *) fail_with "$name" "$root/oracle_$name.log" ;;
    esac
  done
  finish
}

run_oracle() {  # script, venv
  local help options=() program
  help=$("$2/bin/python" "$1" --help) || return 1
  program=$(grep -o 'tests/oracle/[a-z_]*' <<< "$help" | grep -v "$(basename "$1" .py)\$" | head -n 1)
  if grep -q -- '--data' <<< "$help"; then
    [[ -n ${TENON_TEST_DATA:-} ]] || { echo "skipped: TENON_TEST_DATA names no directory with reference files"; return 77; }
    options+=(--data "$TENON_TEST_DATA")
  fi
  if grep -q -- '--program' <<< "$help"; then options+=(--program "$root/host/$program"); fi
  if grep -q -- '--model' <<< "$help"; then options+=(--model examples/tiny_model); fi
  if grep -q -- '--quick' <<< "$help"; then options+=(--quick); fi
  TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1 timeout 900 "$2/bin/python" "$1" "${options[@]}" < /dev/null
}

# The server, and the programs that people talk to it with: tests/clients/run.py, in an environment of its own.
run_clients() {
  local venv=$root/clients_venv log=$root/clients.log server=$root/host/examples/server counts
  begin "the server's clients"
  [[ -x $server ]] || { echo "skipped: there is no $server"; skipped=$((skipped + 1)); finish; return; }
  bash examples/install_packages.sh "${install_options[@]}" --optional clients || true
  if ! { [[ -x $venv/bin/python ]] || python3 -m venv "$venv"; } > "$log" 2>&1 ||
    ! timeout 600 "$venv/bin/pip" install --quiet --retries 1 --timeout 20 --only-binary :all: \
      openai langchain-openai httpx websockets >> "$log" 2>&1; then
    echo "skipped: the clients, because pip could not install them ($log)"
    skipped=$((skipped + 1))
    finish
    return
  fi
  "$venv/bin/python" tests/clients/run.py --server "$server" 2>&1 | tee "$log"
  counts=$(sed -n '$ s/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$log")
  read -r client_passed client_failed client_skipped <<< "${counts:-0 1 0}"
  passed=$((passed + client_passed)) failed=$((failed + client_failed)) skipped=$((skipped + client_skipped))
  finish
}

begin packages
bash examples/install_packages.sh "${install_options[@]}" test || exit 1
finish

if build host; then run_tests host 1; fi

if [[ $all -eq 1 ]]; then
  # The sanitizers look at what clang 16 makes: so one build has all that either says of the code, warnings of everything
  # included. Without clang, g++'s sanitizers see the tests.
  sanitized=
  if bash examples/install_packages.sh "${install_options[@]}" --optional clang; then
    sanitized=clang_
  else
    echo "skipped: clang 16 is neither installed nor installable"
    skipped=$((skipped + 1))
  fi
  if build ${sanitized}asan; then
    ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
      run_tests ${sanitized}asan 0.1 -LE '^consumer$'
  fi
  # The folders whose code runs on several threads, or is called from them.
  threaded=(cpu engine text integration)
  for folder in asio server; do [[ -d tests/$folder ]] && threaded+=("$folder"); done
  if build ${sanitized}tsan "${threaded[@]/#/test_}"; then
    # What compares numbers alone is left out by the preset: threads run through the others as well.
    run_tests ${sanitized}tsan 0.02 -L "^($(IFS='|'; echo "${threaded[*]}"))\$"
  fi
  # What needs a GPU is compiled, and says "skipped" where there is none. The preset optimises
  # less, for the time; -Xcompiler=-O0 does not, because nvcc puts the -O3 of a release build behind it.
  if command -v "${CUDACXX:-nvcc}" > /dev/null; then
    if build cuda_check gpu_programs older_gpus; then run_tests cuda_check 0.1 -L '^gpu$'; fi
  else
    echo "skipped: no CUDA Toolkit (nvcc) to compile the GPU's half with"
    skipped=$((skipped + 1))
  fi
  run_oracles
  run_clients
fi

echo
echo "time by stage:"
printf '%s\n' "${stage_times[@]}"
echo "$cases Boost.Test cases ran"
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 && $passed -gt 0 ]]
