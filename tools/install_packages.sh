#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian or Ubuntu packages with which Stint is built, run and tested: only what is missing, so that a
# second call costs milliseconds. Needs root or sudo; without either it prints the commands that help, and exits 2.
# In a conda or Spack environment nothing is installed: there the packages come from the environment.
# With --with-slurm also a Slurm to test with, where root asks for it and there is none: a cluster's own is left alone.
# With --with-clang also the compiler of tools/fuzz.sh.
# No service of the system is started: Stint runs a Redis of its own, on a socket of its own, and its tests a Slurm.
set -euo pipefail

packages=(
  # to build
  g++ cmake ninja-build make ccache pkg-config openmpi-bin libopenmpi-dev libhiredis-dev libboost-serialization-dev
  libcli11-dev libfmt-dev libspdlog-dev nlohmann-json3-dev libxxhash-dev libzstd-dev
  # to run
  redis-server
  # to test
  libgtest-dev libgmock-dev python3 python3-jsonschema procps iproute2 parallel
)
if [[ ${1:-} == --with-slurm && $(id -u) -eq 0 ]] && ! command -v sbatch >/dev/null; then
  packages+=(munge slurmctld slurmd slurm-client)
fi
if [[ ${1:-} == --with-clang ]]; then
  packages+=(clang libclang-rt-dev libomp-dev)  # to fuzz
fi
services=(redis-server munge slurmctld slurmd)  # of these packages

say() { printf 'install_packages: %s\n' "$*" >&2; }

if [[ -n ${CONDA_PREFIX:-}${SPACK_ENV:-} ]]; then
  say "takes the packages of the environment ${CONDA_PREFIX:-${SPACK_ENV:-}}"
  exit 0
fi

advise() {
  cat >&2 <<TEXT
  apt-get install $*
  conda create -n stint -c conda-forge cxx-compiler cmake ninja make ccache pkg-config openmpi libhiredis libboost-devel cli11 fmt spdlog nlohmann_json xxhash zstd redis-server gtest python jsonschema && conda activate stint
  spack env create stint && spack env activate stint && spack add cmake ninja gmake ccache pkgconf openmpi hiredis boost+serialization cli11 fmt spdlog+fmt_external nlohmann-json xxhash zstd redis googletest+gmock python py-jsonschema && spack install
TEXT
}

if ! command -v dpkg-query >/dev/null; then
  say 'this is neither Debian nor Ubuntu, so nothing is installed; should the build miss something, one of these helps:'
  advise "${packages[@]}"
  exit 0
fi
installed=" $(dpkg-query --show --showformat '${db:Status-Status}=${Package} ' "${packages[@]}" 2>/dev/null || true)"
missing=()
for package in "${packages[@]}"; do
  [[ $installed == *" installed=$package "* ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    as_root=(sudo)
  else
    say "${missing[*]} missing, and neither root nor sudo to install; one of these helps:"
    advise "${missing[@]}"
    exit 2
  fi
fi

log=$(mktemp)
guard=''
clean_up() {
  rm -f "$log"
  # Unless, say, a package brought a policy of its own meanwhile.
  if [[ -n $guard ]] && grep -qs 'tools/install_packages.sh' "$guard"; then "${as_root[@]}" rm -f "$guard"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
quietly() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 "$@" </dev/null >"$log" 2>&1 && return
  cat "$log" >&2
  say "'$*' failed; the reason stands above"
  exit 2
}

say "installs ${missing[*]}"
brought=()
for service in "${services[@]}"; do
  [[ " ${missing[*]} " != *" $service "* ]] || brought+=("$service.service")
done
if [[ ${#brought[@]} -gt 0 && ! -e /usr/sbin/policy-rc.d ]]; then  # asked before they start a service; 101: do not
  guard=/usr/sbin/policy-rc.d
  # shellcheck disable=SC2016
  "${as_root[@]}" sh -c 'printf "#!/bin/sh\n# Made by tools/install_packages.sh, and removed by it.\nexit 101\n" >"$1" && chmod 755 "$1"' sh "$guard"
fi
quietly apt-get -qq -o DPkg::Lock::Timeout=300 update
quietly apt-get -qq -o DPkg::Lock::Timeout=300 -y --no-install-recommends install "${missing[@]}"
if [[ ${#brought[@]} -gt 0 ]] && command -v systemctl >/dev/null; then  # nor at the next boot
  "${as_root[@]}" systemctl --quiet disable "${brought[@]}" >/dev/null 2>&1 || true
fi
