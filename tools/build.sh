#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds in build/, by the preset 'release': the targets that are named, else all of them. Both quickstart.sh and
# test.sh come here, with the same settings, so that neither builds again what the other has built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
settings=()
[[ -z ${STINT_WARNINGS_AS_ERRORS:-} ]] || settings+=("-DSTINT_WARNINGS_AS_ERRORS=$STINT_WARNINGS_AS_ERRORS")
cmake --preset release "${settings[@]}" >/dev/null

# One compiler needs up to 1 GiB.
jobs=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)
[[ $jobs -lt $(nproc) ]] || jobs=$(nproc)
[[ $jobs -ge 1 ]] || jobs=1
targets=()
[[ $# -eq 0 ]] || targets=(--target "$@")
cmake --build build --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$jobs}" "${targets[@]}"
