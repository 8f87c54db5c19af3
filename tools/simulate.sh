#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Simulated runs on a real Redis with its real scripts, in virtual time (tests/simulation): many seeds, or one with its
# story, request by request, on stdout.
#   tools/simulate.sh --seeds 1000
#   tools/simulate.sh --seed 7
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in
  --seeds) export STINT_SIMULATIONS=${2:?how many} ;;
  --seed) export STINT_SIMULATION_SEED=${2:?which} ;;
  *) sed -n '3,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
tools/build.sh stint_simulation_tests >&2
exec build/bin/stint_simulation_tests --gtest_brief=1 --gtest_filter='SimulationOnRedis.SurvivesAllTroublesTogether'
