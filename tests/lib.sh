# Sourced by the shell tests. Each runs in a temporary folder of its own.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
source_dir=${HILLOCK_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
build_dir=${HILLOCK_BUILD:-$source_dir/build}
hillock=$build_dir/bin/hillock
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n_checks=0
# With HILLOCK_TEST_BACKEND set, every command that runs networks runs them on that backend.
if [ -n "${HILLOCK_TEST_BACKEND:-}" ]; then
    mkdir "$work/.bin"
    {
        echo '#!/usr/bin/env bash'
        # shellcheck disable=SC2016 # the script's own
        echo 'case ${1-} in train | plan | eval | bench) set -- "$1" --set backend.name='"$HILLOCK_TEST_BACKEND"' "${@:2}" ;; esac'
        printf 'exec %q "$@"\n' "$hillock" # the same process: tests send it signals
    } >"$work/.bin/hillock"
    chmod +x "$work/.bin/hillock"
    hillock=$work/.bin/hillock
fi

fail() { echo "FAIL: $*"; exit 1; }
skip() { echo "skip: $(basename "$0" .sh): $*"; exit 77; }
check() { n_checks=$((n_checks + 1)); } # counts what was compared, so that a test can't pass by comparing nothing
finish() { [ "$n_checks" -gt 0 ] || fail "nothing was checked"; echo "ok: $n_checks checks"; }
need_data() { [ -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ] || skip "the Debian package dataset-fashion-mnist is not installed"; }
