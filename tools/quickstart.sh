#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh checkout to a first result: installs what is missing, builds, and counts the words of the licences that
# every Debian has, on two ranks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/install_packages.sh
tools/build.sh stint_program >&2  # stdout is for the result
echo '$ build/bin/stint run -n 2 wordcount --chunk-size 16K /usr/share/common-licenses' >&2
build/bin/stint run -n 2 wordcount --chunk-size 16K /usr/share/common-licenses
cat >&2 <<'TEXT'

The same command again prints the stored result and computes nothing. What to try next:
  build/bin/stint run -n 4 pi --points 1e10      kill it in the middle, and start it again: it goes on
  build/bin/stint ls                             what has been run; 'build/bin/stint --help' shows the rest
  build/bin/stint new my_job                     a project of your own, with a job, a test and a batch script
TEXT
