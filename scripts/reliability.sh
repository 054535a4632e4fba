#!/usr/bin/env bash
# The long form of the reliability tests: 100 kills of a training at random moments, each of which must end with the same bytes.
# Usage: scripts/reliability.sh [KILLS]    (the release build must be there: cmake --preset release && cmake --build --preset release)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HILLOCK_KILLS=${1:-100} HILLOCK_SOURCE=$root HILLOCK_BUILD=${HILLOCK_BUILD:-$root/build}
[ -x "$HILLOCK_BUILD/bin/hillock" ] || { echo "reliability.sh: no $HILLOCK_BUILD/bin/hillock: build first" >&2; exit 1; }
bash "$root/tests/kill.sh"
