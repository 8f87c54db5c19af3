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
  "build-$preset/bin/stint_unit_tests" --gtest_brief=1 --gtest_filter="$unit"
  "build-$preset/bin/stint_contract_tests" --gtest_brief=1
  "build-$preset/bin/stint_simulation_tests" --gtest_brief=1 --gtest_filter="$simulated"
done
