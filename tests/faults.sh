#!/usr/bin/env bash
# Every system call on a run's folder, killed once and failed once, by strace: the checkpoint is the old one or the new one, the training is taken up
# again and ends with the bytes of one that was left alone, and a failure is one clear message and an exit code, never a crash.
# HILLOCK_FAULTS: which, at every call, as "KILL EIO ENOSPC EINTR"; default: all four, at a few calls each.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
command -v strace >/dev/null || skip "there is no strace (scripts/setup.sh --reliability installs it)"
strace -f -qq -o "$work/t" true 2>"$work/why" || skip "strace may not trace here: $(head -n 1 "$work/why")"
strace -f -qq -o "$work/t" -e trace=fsync -e inject=fsync:error=EIO:when=1 true 2>"$work/why" || skip "this strace injects no faults: $(head -n 1 "$work/why")"
cd "$work"
faults=${HILLOCK_FAULTS:-KILL EIO ENOSPC EINTR}
stride=1
[ -n "${HILLOCK_FAULTS:-}" ] || stride=23
calls=openat,write,pwrite64,fallocate,ftruncate,fsync,fdatasync,close,link,linkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,flock
command=("$hillock" train "$source_dir/tests/blobs.ini" --set plugins.path="$build_dir/tests/plugins/blobs.so" --out run --quiet --set train.epochs=2
    --set checkpoint.every_steps=11 --set run.log_every=8)
export OMP_NUM_THREADS=1
sums() { (cd run && sha256sum checkpoint_latest.safetensors checkpoint_previous.safetensors checkpoint_max.safetensors); }
lines() { sed 's/, "img_per_s.*//' run/metrics.jsonl; }

# The calls of a run, by name and number from the process's beginning, from the folder's lock on. Standard output and error are not the folder's.
strace -f -qq -e signal=none -e trace=$calls -o trace "${command[@]}" >out 2>&1 || { cat out; fail "hillock train failed"; }
main=$(head -n 1 trace | cut -d' ' -f1)
awk -v main="$main" '$1 == main && /[a-z0-9]+\(/ && !/resumed>/ {
    split($2, a, "("); n[a[1]]++
    if (/\.lock"/) on = 1
    if (on && !/^[0-9]+ +write\([12],/) print a[1], n[a[1]], (/\.checkpoint_/ && a[1] == "openat" ? "checkpoint" : "-")
}' trace >points
want=$(sums)
lines >want.lines
total=$(wc -l <points)
[ "$total" -gt 100 ] || fail "only $total calls were seen"
echo "$total calls on the folder, $(grep -c checkpoint points) checkpoints written"

# again WHAT: takes the run up, which must end as the one that was left alone.
again() {
    code=0
    "${command[@]}" --resume auto >out 2>&1 || code=$?
    [ $code = 0 ] || { cat out; fail "$1: going on: exit code $code"; }
    if grep WARNING out | grep -v 'checkpoint_latest.safetensors is missing' >warned; then
        cat out
        fail "$1: a checkpoint was damaged"
    fi
    check
    [ "$want" = "$(sums)" ] || fail "$1: the run ends with other bytes"
    lines >got.lines
    diff want.lines got.lines >lines.diff || { cat lines.diff; fail "$1: metrics.jsonl differs"; }
    [ -z "$(find run -name '*.tmp')" ] || fail "$1: a temporary file is left at the end"
}

for fault in $faults; do
    n=0 done=0 refused=0 unharmed=0
    while read -r call number _; do
        n=$((n + 1))
        [ $(((n + ${#fault}) % stride)) = 0 ] || continue
        what="$fault at $call $number"
        rm -rf run
        how=error=$fault
        [ "$fault" != KILL ] || how=signal=KILL
        code=0
        (strace -f -qq -e signal=none -e trace="$call" -e inject="$call:$how:when=$number" -o trace "${command[@]}" >out 2>&1; exit $?) 2>/dev/null || code=$?
        done=$((done + 1))
        check
        if [ "$fault" = KILL ]; then
            [ $code = 137 ] || { cat out; fail "$what: exit code $code, expected 137"; }
        elif [ $code = 0 ]; then
            unharmed=$((unharmed + 1))
            [ "$want" = "$(sums)" ] || fail "$what: it went on, and ends with other bytes"
            continue
        else
            refused=$((refused + 1))
            [ $code = 1 ] || { cat out; fail "$what: exit code $code, expected 1"; }
            grep -E '^hillock: .*(Input/output error|No space left on device|Interrupted system call)' out >message || { cat out; fail "$what: no clear message"; }
            [ "$(grep -c '^hillock:' out)" = 1 ] || { cat out; fail "$what: more than one message"; }
            [ -z "$(find run -name '.checkpoint_*.tmp')" ] || [ "$call" = unlink ] || fail "$what: a part of a checkpoint is left"
        fi
        again "$what"
    done <points
    if [ "$fault" = KILL ]; then echo "KILL: $done of $total calls; all went on to the same bytes"
    else echo "$fault: $done of $total calls; $refused ended with a message and went on to the same bytes, $unharmed did no harm"; fi
    echo "count: system_calls_$(tr '[:upper:]' '[:lower:]' <<<"$fault") $done"
done
finish
