#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds everything (warnings are errors where CI is set) and runs all tests. Arguments go to
# ctest: `tools/test.sh -L redis`, `tools/test.sh -R wordcount`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/install_packages.sh --with-slurm
if [[ -n ${CI:-} ]]; then export STINT_WARNINGS_AS_ERRORS=ON; else export STINT_WARNINGS_AS_ERRORS=OFF; fi
tools/build.sh
# Some tests call mpirun themselves, which refuses to run as root unless told twice.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
exec ctest --test-dir build --output-on-failure --no-tests=error --parallel "$((2 * $(nproc)))" "$@"
