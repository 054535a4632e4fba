# Sourced by the shell tests. Each runs in a temporary folder of its own.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
source_dir=${HILLOCK_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
build_dir=${HILLOCK_BUILD:-$source_dir/build}
hillock=$build_dir/bin/hillock
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n_checks=0

fail() { echo "FAIL: $*"; exit 1; }
skip() { echo "skip: $(basename "$0" .sh): $*"; exit 77; }
check() { n_checks=$((n_checks + 1)); } # counts what was compared, so that a test can't pass by comparing nothing
finish() { [ "$n_checks" -gt 0 ] || fail "nothing was checked"; echo "ok: $n_checks checks"; }
need_data() { [ -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ] || skip "the Debian package dataset-fashion-mnist is not installed"; }
