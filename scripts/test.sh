#!/usr/bin/env bash
# Builds and runs all tests: the release build with everything, then a build with AddressSanitizer and
# UndefinedBehaviorSanitizer with the unit tests and the golden files.
# The last line is "N passed, N failed" (and ", N skipped"), summed over all runs; exits non-zero when anything failed.
# Usage: scripts/test.sh [--no-sanitizers]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sanitizers=1
for arg in "$@"; do
    case $arg in
        --no-sanitizers) sanitizers=0 ;;
        *) echo "test.sh: unknown option '$arg' (there is --no-sanitizers)" >&2; exit 2 ;;
    esac
done

"$root/scripts/setup.sh" --fuzz
cd "$root"
jobs=$(nproc)
passed=0 failed=0 skipped=0
reasons=$(mktemp)
trap 'rm -f "$reasons"' EXIT

# build PRESET: a failed build counts as one failed test.
build() {
    echo "== build: $1"
    local log
    log=$(mktemp)
    if (cmake --preset "$1" && cmake --build --preset "$1") >"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Creating|Generating)' "$log" | tail -n 200
    rm -f "$log"
    echo "test.sh: the $1 build failed"
    failed=$((failed + 1))
    return 1
}

# tests FOLDER [ctest options]: runs them and adds to the totals.
tests() {
    local dir=$1
    shift
    echo "== tests: $dir $*"
    local junit=$root/$dir/junit.xml attributes
    rm -f "$junit"
    ctest --test-dir "$dir" --output-on-failure --no-tests=error --timeout 600 --test-output-size-passed 100000 -j "$jobs" --output-junit "$junit" "$@" || true
    if [ ! -s "$junit" ]; then
        echo "test.sh: ctest in $dir left no result"
        failed=$((failed + 1))
        return 0
    fi
    attributes=$(tr '\n\t' '  ' <"$junit" | grep -o '<testsuite [^>]*>' | head -n 1)
    local n f s
    n=$(sed -n 's/.* tests="\([0-9]*\)".*/\1/p' <<<"$attributes")
    f=$(sed -n 's/.* failures="\([0-9]*\)".*/\1/p' <<<"$attributes")
    s=$(sed -n 's/.* skipped="\([0-9]*\)".*/\1/p' <<<"$attributes")
    # No test at all is a failure too.
    [ "$n" -gt 0 ] || f=1
    passed=$((passed + (n > f + s ? n - f - s : 0)))
    failed=$((failed + f))
    skipped=$((skipped + s))
    sed -n 's/^[[:space:]]*\(<system-out>\)\{0,1\}\(skip[: ].*\)/\2/p' "$junit" | sed 's/&apos;/'"'"'/g; s/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g; s/<\/system-out>.*//' |
        sed "s|^|$dir: |" >>"$reasons"
}

started=$SECONDS
if build release; then
    tests build
fi
if [ "$sanitizers" = 1 ]; then
    if build asan; then
        export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:check_initialization_order=1
        export UBSAN_OPTIONS=print_stacktrace=1
        export LSAN_OPTIONS=suppressions=$root/tests/lsan.supp:print_suppressions=0
        tests build-asan -L sanitize
    fi
else
    echo "test.sh: the sanitizer build was left out on request" >>"$reasons"
fi

echo "== skipped, and why"
if [ -s "$reasons" ]; then sort "$reasons" | uniq -c; else echo "nothing"; fi
echo "took $((SECONDS - started)) s"
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
