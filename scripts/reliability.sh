#!/usr/bin/env bash
# The reliability campaign: bad plugins, bad configurations and files, absurd sizes, probes of device memory, every allocation failing, fuzzing
# (which must also find planted bugs), kills of a training at random moments, every system call on its folder killed and failed, full disks, two trainers on one
# folder, batches that are not finite. Each training must end with the same bytes as one that was left alone.
# Prints a table and writes it to OUT/reliability.txt and OUT/reliability.json; docs/reliability.md has one. What cannot run here says why.
# Usage: scripts/reliability.sh [--kills N] [--out DIR] [--only PART,PART]    (defaults: 100, runs/reliability, all)
#   parts: files fence allocations fuzz kills faults disk trainers
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
kills=100
out=$root/runs/reliability
all=files,fence,allocations,fuzz,kills,faults,disk,trainers
only=$all
while [ $# -gt 0 ]; do
    case $1 in
        --kills) kills=${2:?--kills takes a number}; shift 2 ;;
        --out) out=${2:?--out takes a folder}; shift 2 ;;
        --only) only=${2:?--only takes parts}; shift 2 ;;
        *) echo "reliability.sh: unknown option '$1' (there are --kills, --out, --only)" >&2; exit 2 ;;
    esac
done
for part in ${only//,/ }; do
    case ,$all, in
        *",$part,"*) ;;
        *) echo "reliability.sh: --only: expected parts of $all, got '$part'" >&2; exit 2 ;;
    esac
done
# has PART...: one of them is asked for.
has() { local p; for p in "$@"; do case ,$only, in *",$p,"*) return 0 ;; esac; done; return 1; }
mkdir -p "$out"
log=$out/log.txt
: >"$log"
cd "$root"
"$root/scripts/setup.sh" --fuzz --reliability
presets=(release)
if has files allocations; then presets+=(asan); fi
for preset in "${presets[@]}"; do
    echo "building $preset ..."
    (cmake --preset "$preset" && cmake --build --preset "$preset") >>"$log" 2>&1 || { tail -n 40 "$log"; echo "reliability.sh: the $preset build failed" >&2; exit 1; }
done
export HILLOCK_SOURCE=$root HILLOCK_BUILD=$root/build HILLOCK_KILLS=$kills HILLOCK_ALLOC_STRIDE=1
export LSAN_OPTIONS=suppressions=$root/tests/lsan.supp:print_suppressions=0
started=$SECONDS
failed=0 skipped=0

# step COMMAND...: runs it; its output goes to the log.
step() {
    local code=0
    echo "== $*" | sed "s|$root/||g" | tee -a "$log"
    "$@" >>"$log" 2>&1 || code=$?
    if [ $code = 77 ]; then
        skipped=$((skipped + 1))
        grep '^skip:' "$log" | tail -n 1
    elif [ $code != 0 ]; then
        failed=$((failed + 1))
        echo "FAILED ($code); see $log"
    fi
}
if has files; then for test in plugins_bad ini_rows ini_keys safetensors_cases idx_cases sizes; do step "$root/build-asan/tests/test_$test"; done; fi
if has fence; then step "$root/build/tests/test_fence"; fi
if has allocations; then for test in "$root"/build-asan/tests/test_alloc_*; do step "$test"; done; fi
if has fuzz; then
    step bash "$root/tests/fuzz.sh" --prove
    step bash "$root/tests/fuzz.sh"
fi
if has kills; then step bash "$root/tests/kill.sh"; fi
if has faults; then for fault in KILL EIO ENOSPC EINTR; do HILLOCK_FAULTS=$fault step bash "$root/tests/faults.sh"; done; fi
if has disk; then HILLOCK_DISK_STEP=4 step bash "$root/tests/disk.sh"; fi
if has trainers; then for test in lock nan; do step bash "$root/tests/$test.sh"; done; fi
grep 'was left out' "$log" || true

# "count: WHAT NUMBER" lines, summed by what, in the order of their first appearance.
sed -n 's/.*count: \([a-z_0-9]*\) \([0-9]*\).*/\1 \2/p' "$log" |
    awk '{ if (!($1 in n)) key[++k] = $1; n[$1] += $2 } END { for (i = 1; i <= k; i++) print key[i], n[key[i]] }' >"$out/counts"
{
    awk '{ what = $1; gsub("_", " ", what); printf "%-42s %12d\n", what, $2 }' "$out/counts"
    printf '%-42s %12d\n' "steps failed" $failed "steps skipped" $skipped seconds $((SECONDS - started))
} | tee "$out/reliability.txt"
{
    echo "{"
    awk '{ printf "  \"%s\": %d,\n", $1, $2 }' "$out/counts"
    printf '  "steps_failed": %d,\n  "steps_skipped": %d,\n  "seconds": %d\n}\n' $failed $skipped $((SECONDS - started))
} >"$out/reliability.json"
rm -f "$out/counts"
[ $failed = 0 ]
