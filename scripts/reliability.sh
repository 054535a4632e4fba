#!/usr/bin/env bash
# The long form of the reliability tests: 100 kills of a training at random moments, each of which must end with the same bytes; every
# single allocation of each scenario fails, once and with all after it (with the sanitizers where the asan build is there); the fuzz
# targets, which must also find the bugs that are planted for them.
# Usage: scripts/reliability.sh [KILLS]    (the release build must be there: cmake --preset release && cmake --build --preset release)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HILLOCK_KILLS=${1:-100} HILLOCK_SOURCE=$root HILLOCK_BUILD=${HILLOCK_BUILD:-$root/build}
[ -x "$HILLOCK_BUILD/bin/hillock" ] || { echo "reliability.sh: no $HILLOCK_BUILD/bin/hillock: build first" >&2; exit 1; }
bash "$root/tests/kill.sh"

build=$HILLOCK_BUILD
[ -x "$root/build-asan/tests/test_alloc_config" ] && build=$root/build-asan
echo "allocations fail in $build"
export HILLOCK_ALLOC_STRIDE=1 LSAN_OPTIONS=suppressions=$root/tests/lsan.supp:print_suppressions=0
for test in "$build"/tests/test_alloc_*; do
    (cd "$root" && "$test") | grep -v '^\[' || { echo "reliability.sh: $test failed" >&2; exit 1; }
done
bash "$root/tests/fuzz.sh" --prove || [ $? = 77 ]
bash "$root/tests/fuzz.sh" || [ $? = 77 ]
