#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the tests of the engine and the blackboard under sanitizers (address with undefined behaviour, and thread) and
# runs them: unit, contract, crash points, simulations. `tools/sanitize.sh asan` does one of the two.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/install_packages.sh
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
# A sanitized run is some ten times slower: fewer seeds, which the other builds play in full.
export STINT_HISTORIES=${STINT_HISTORIES:-5} STINT_SIMULATIONS=${STINT_SIMULATIONS:-3}
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1
presets=("$@")
[[ $# -gt 0 ]] || presets=(asan tsan)
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# The programs of one preset side by side: they wait for servers and for each other's threads as much as they compute.
run_all() {
  local folder=build-$1/bin name failed=''
  declare -A pids
  shift
  while [[ $# -gt 0 ]]; do
    "$folder/$1" --gtest_brief=1 --gtest_filter="$2" >"$logs/$1" 2>&1 &
    pids[$1]=$!
    shift 2
  done
  for name in "${!pids[@]}"; do
    wait "${pids[$name]}" || failed+=" $name"
    cat "$logs/$name"
  done
  [[ -z $failed ]] || { echo "sanitize.sh: failed in $folder:$failed" >&2; return 1; }
}

for preset in "${presets[@]}"; do
  cmake --preset "$preset" >/dev/null
  cmake --build "build-$preset" --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}" \
    --target stint_unit_tests stint_contract_tests stint_simulation_tests
  unit='*'
  simulated='*CrashPoints*:SimulationOnRedis.SurvivesAll*:SimulationOnTheFake.*-*SurvivesAllOfThatTogether'
  if [[ $preset == tsan ]]; then
    # libgomp's own threads look like races (the engine's team runs on std::thread here); what has one thread is only slow.
    unit='-Pi.*:Parallel*:RecordReader.*:WordTable.*:WordCounts.*:Sum*:Wordcount*:FrameTest.*'
    simulated='*CrashPoints*/Fake'
  fi
  run_all "$preset" stint_unit_tests "$unit" stint_contract_tests '*' stint_simulation_tests "$simulated"
done
