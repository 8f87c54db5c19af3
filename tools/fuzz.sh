#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the targets of libFuzzer (tests/fuzz) with Clang under sanitizers, and runs each for N seconds: all, or those that are
# named. What a target has learnt stays in build-fuzz/corpus/NAME, so that the next night goes on from there. The exit code is 1
# when a target fails, and the input with which it does so is named.
#
#     tools/fuzz.sh [--seconds N] [TARGET...]        N: 60
#     build-fuzz/bin/fuzz_TARGET FILE                one input again
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=60
if [[ ${1:-} == --seconds ]]; then
  seconds=${2:?how many}
  shift 2
fi
known=()
for file in tests/fuzz/*.cpp; do known+=("$(basename "$file" .cpp)"); done
names=("$@")
[[ $# -gt 0 ]] || names=("${known[@]}")
for name in "${names[@]}"; do
  [[ " ${known[*]} " == *" $name "* ]] || { echo "fuzz.sh: no target $name; there are ${known[*]}" >&2; exit 2; }
done

tools/install_packages.sh --with-clang
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
cmake --preset fuzz >/dev/null
cmake --build build-fuzz --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}" --target "${names[@]/#/fuzz_}"

failed=()
for name in "${names[@]}"; do
  corpus=build-fuzz/corpus/$name log=build-fuzz/$name.log
  mkdir -p "$corpus"
  if "build-fuzz/bin/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="build-fuzz/$name-" "$corpus" >"$log" 2>&1; then
    echo "fuzz.sh: $name: $(awk '/number_of_executed_units/ { units = $2 } /average_exec_per_sec/ { rate = $2 }
      END { print units " inputs, " rate " a second" }' "$log")"
  else
    failed+=("$name")
    grep -E '^(==[0-9]+==)?ERROR|SUMMARY|runtime error|does not hold|what\(\)' "$log" >&2 || true
    echo "fuzz.sh: $name fails, $(sed -n 's/.*Test unit written to /with /p' "$log"); $log has the rest" >&2
  fi
done
[[ ${#failed[@]} -eq 0 ]] || { echo "fuzz.sh: failed: ${failed[*]}" >&2; exit 1; }
