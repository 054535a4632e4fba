#!/usr/bin/env bash
# Fuzz targets (tests/fuzz/): each first runs the files of its corpus, then looks for new ones for HILLOCK_FUZZ_SECONDS (30), two targets at
# a time. A crash, a leak, a hang of 10 s or 1 GB of memory is a failure; its input is printed in base64, to be put into the corpus.
# Usage: tests/fuzz.sh [--prove]
#   --prove  builds with one bug planted in each parser (HILLOCK_PLANT_BUG), which each target must find within 4 x HILLOCK_FUZZ_SECONDS
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
prove=0
[ "${1:-}" = --prove ] && prove=1
seconds=${HILLOCK_FUZZ_SECONDS:-30}
targets=(ini grammar safetensors idx arrays)

command -v clang >/dev/null || skip "clang is not installed; scripts/setup.sh --fuzz installs it"
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n); int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return !d && n; }' >"$work/try.c"
clang -fsanitize=fuzzer,address,undefined "$work/try.c" -o "$work/try" 2>"$work/out" || skip "clang has no libFuzzer here ($(head -n 1 "$work/out")); scripts/setup.sh --fuzz installs it"

fuzz_dir=$source_dir/build-fuzz
options=(-DHILLOCK_PLANT_BUG=OFF)
if [ $prove = 1 ]; then
    fuzz_dir=$source_dir/build-fuzz-bug
    options=(-DHILLOCK_PLANT_BUG=ON)
fi
(cd "$source_dir" && cmake --preset fuzz -B "$fuzz_dir" "${options[@]}" && cmake --build "$fuzz_dir") >"$work/out" 2>&1 || { grep -v '^\[' "$work/out" | tail -n 40; fail "the fuzz targets do not build"; }

HILLOCK_FUZZ_DIR=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # files that the targets write, in memory where there is such a folder
export HILLOCK_FUZZ_DIR
trap 'rm -rf "$work" "$HILLOCK_FUZZ_DIR"' EXIT
unset ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS
limits=(-timeout=10 -rss_limit_mb=1024 -max_len=2048 -print_final_stats=1)
# One target: its exit code in $work/NAME.code, what it printed in $work/NAME.log.
one() {
    local name=$1 time=$2 code=0
    mkdir -p "$work/$name"
    cp "$source_dir/tests/fuzz/corpus/$name"/* "$work/$name"
    (cd "$work" && nice "$fuzz_dir/fuzz_$name" "${limits[@]}" -dict="$source_dir/tests/fuzz/$name.dict" -artifact_prefix="$work/$name." -max_total_time="$time" "$name") \
        >"$work/$name.log" 2>&1 || code=$?
    echo $code >"$work/$name.code"
}
two_at_a_time() {
    local i
    for ((i = 0; i < ${#targets[@]}; i += 2)); do
        one "${targets[i]}" "$1" &
        [ -z "${targets[i + 1]:-}" ] || one "${targets[i + 1]}" "$1" &
        wait
    done
}
executed() { sed -n 's/^stat::number_of_executed_units: *//p; s/^Executed .* in .*//p' "$work/$1.log" | tail -n 1; }
found() { # what a failing target left
    grep -m 1 -A 12 -E 'ERROR:|runtime error|SUMMARY' "$work/$1.log" || tail -n 30 "$work/$1.log"
    for file in "$work/$1".crash-* "$work/$1".leak-* "$work/$1".timeout-* "$work/$1".oom-*; do
        [ -f "$file" ] && echo "input, in base64: $(base64 -w 0 "$file")"
    done
    return 0
}

if [ $prove = 0 ]; then
    for name in "${targets[@]}"; do # each file of the corpus alone, without a search
        files=("$source_dir/tests/fuzz/corpus/$name"/*)
        "$fuzz_dir/fuzz_$name" "${limits[@]}" -artifact_prefix="$work/$name." "${files[@]}" >"$work/$name.log" 2>&1 || { found "$name"; fail "$name: a file of the corpus"; }
        echo "count: fuzz_corpus_$name ${#files[@]}"
        check
    done
    two_at_a_time "$seconds"
    for name in "${targets[@]}"; do
        [ "$(cat "$work/$name.code")" = 0 ] || { found "$name"; fail "$name: see above"; }
        n=$(executed "$name")
        echo "count: fuzz_$name ${n:?}"
        [ "$n" -gt 1000 ] || fail "$name: only $n inputs were tried"
        check
    done
else
    two_at_a_time $((4 * seconds))
    for name in "${targets[@]}"; do
        if [ "$(cat "$work/$name.code")" = 0 ] || ! grep -q 'the planted bug is reached' "$work/$name.log" || ! grep -q 'heap-buffer-overflow' "$work/$name.log"; then
            tail -n 20 "$work/$name.log"
            fail "$name: the planted bug was not found within $((4 * seconds)) s"
        fi
        n=$(sed -n 's/^#\([0-9]*\).*/\1/p' "$work/$name.log" | tail -n 1)
        echo "$name: the planted bug was found after about ${n:-0} inputs"
        echo "count: fuzz_planted_$name 1"
        check
    done
fi
finish
