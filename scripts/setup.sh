#!/usr/bin/env bash
# Installs the Debian packages that Hillock needs; does nothing when all are there.
# Usage: scripts/setup.sh [--dev] [--fuzz] [--reliability] [--list]
#   --dev   also what is needed to work on the sources (formatter, linter, sanitizer runtime of clang, Archer for ThreadSanitizer, shellcheck)
#   --fuzz  also what the fuzz targets need (clang and its sanitizer runtime)
#   --reliability  also what injects faults into system calls (strace)
#   --list  only prints the packages, one a line
set -euo pipefail

# The one list of packages. What each is for:
base=(
    gcc g++                   # C11 compiler, also used by the ref backend at run time; C++17 for the check of the headers
    libc6-dev
    cmake ninja-build         # build
    make                      # the example of a model pack
    pkg-config
    libjansson-dev            # JSON
    libxxhash-dev             # hashes of checkpoints
    libiniparser-dev          # ini files
    librandom123-dev          # Philox, the random numbers
    libcmocka-dev             # unit tests
    zlib1g-dev                # compressed data sets
    libcairo2-dev             # figures
    fonts-dejavu-core         # their letters
    libgif-dev                # animations (left out where it is missing)
    libdnnl-dev               # the onednn backend (left out where it is missing)
    dataset-fashion-mnist     # the data of the demo and of the tests
)
fuzz=(clang libclang-rt-14-dev)
reliability=(strace)
dev=(clang-format clang-tidy clang libclang-rt-14-dev libomp5-14 shellcheck)

want=("${base[@]}")
list=0
for arg in "$@"; do
    case $arg in
        --dev) want+=("${dev[@]}") ;;
        --fuzz) want+=("${fuzz[@]}") ;;
        --reliability) want+=("${reliability[@]}") ;;
        --list) list=1 ;;
        *) echo "setup.sh: unknown option '$arg' (there are --dev, --fuzz, --reliability, --list)" >&2; exit 2 ;;
    esac
done
if [ "$list" = 1 ]; then
    printf '%s\n' "${want[@]}"
    exit 0
fi

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]; }

missing=()
for package in "${want[@]}"; do
    installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "setup.sh: this is no Debian system; install the equivalents of: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup.sh: run as root, or install sudo, to install: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "setup.sh: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
