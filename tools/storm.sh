#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Storms: real worlds under faults at random moments, by seed (tests/storm/storm.py says more).
#
#     tools/storm.sh --seeds 1000 [--first S] [--jobs J]     so many storms, J at a time; the first failing seed is printed
#     tools/storm.sh --seed S                                one of them again
#     tools/storm.sh --seed S --show                         only what it does
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export STINT=${STINT:-$PWD/build/bin/stint} PYTHONDONTWRITEBYTECODE=1
if [[ ! -x $STINT ]]; then
  echo "storm.sh: no program $STINT; build it first: tools/build.sh" >&2
  exit 2
fi
exec python3 tests/storm/storm.py "$@"
