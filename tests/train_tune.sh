#!/usr/bin/env bash
# [run] tune: what is measured stands in tune.txt and the plan and changes nothing else; a run that is taken up has the choices of its checkpoint, to the byte, whatever would be
# measured now; a file of choices gives another run the same bits; what cannot be applied is one clear error.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
backend=${HILLOCK_TEST_BACKEND:-cpu}
config=$source_dir/examples/fmnist_csnn.ini
small=(--set data.limit=256 --set data.test_limit=64 --set train.batch=32 --set train.test_batch=64 --set train.epochs=1 --set model.channels=16)
train() { "$hillock" train "$config" "${small[@]}" "$@"; }
run() { # NAME ARGS...
    local name=$1
    shift
    train --out "$work/$name" "$@" >"$work/$name.out" 2>&1 || { cat "$work/$name.out"; fail "$name: hillock train failed"; }
}
refused() { # CODE TEXT ARGS...
    local expected=$1 text=$2 code=0
    shift 2
    train "$@" >"$work/refused" 2>&1 || code=$?
    check
    [ "$code" = "$expected" ] || fail "$*: exit code $code, expected $expected: $(cat "$work/refused")"
    check
    grep -F -- "$text" "$work/refused" >/dev/null || fail "$*: the message does not say '$text': $(cat "$work/refused")"
    check
    [ "$(grep -c 'hillock: ' "$work/refused")" = 1 ] || fail "$*: more than one message: $(cat "$work/refused")"
}
same() { check; cmp "$work/$1" "$work/$2" || fail "$1 and $2 differ"; }
latest=checkpoint_latest.safetensors

# Without tune there are no choices.
run plain
check
[ ! -e "$work/plain/tune.txt" ] || fail "tune.txt without [run] tune"
check
! grep -qa 'hk\.tune' "$work/plain/$latest" || fail "hk.tune in a checkpoint without [run] tune"

# Measured: in the file with times, in the checkpoint without, in the plan.
run on --set run.tune=on --plan
for line in "train conv_fc.4 conv2d = $backend " "train conv_fc.4 conv2d_dx = $backend " "train conv_fc.4 conv2d_dw = $backend " "test conv_fc.4 conv2d = $backend "; do
    check
    grep -F -- "$line" "$work/on/tune.txt" | grep '# ms: ' >/dev/null || fail "tune.txt has no '$line' with times: $(cat "$work/on/tune.txt")"
done
check
grep '^tuned: conv_fc\.4 conv2d by ' "$work/on.out" >/dev/null || fail "the plan does not tell the choice: $(cat "$work/on.out")"
check
! grep -a 'hk\.tune[^}]*# ms' "$work/on/$latest" >/dev/null || fail "times in the checkpoint"

# A file of choices. These are other ways than would be measured: the direct sum, and no lists at all.
grep -v '^#' "$work/on/tune.txt" | sed -E 's/ *#.*//; s/winograd/direct/; s/spikes=[0-9]+/spikes=0/' >"$work/other.txt"
run file --set "run.tune=$work/other.txt"
run again --set "run.tune=$work/other.txt" --threads 1 --set run.nb=16
same file/$latest again/$latest
check
! cmp -s "$work/on/$latest" "$work/file/$latest" || fail "a file with other choices gave the same checkpoint"

# Taken up behind step 3 of 8: the choices of the checkpoint, though measuring would give others.
run cut --set "run.tune=$work/other.txt" --set checkpoint.every_steps=5
mv "$work/cut/checkpoint_previous.safetensors" "$work/cut/$latest"
before=$(cat "$work/cut/tune.txt")
run cut --set run.tune=on --resume auto
check
grep -q 'resumed at training step 5' "$work/cut.out" || { cat "$work/cut.out"; fail "not resumed at step 5"; }
same file/$latest cut/$latest
check
[ "$before" = "$(cat "$work/cut/tune.txt")" ] || fail "tune.txt changed on resuming"
# A run without choices is not taken up with some.
refused 2 "[run] tune: expected off, as in the run of" --out "$work/plain" --set run.tune=on --resume auto

# Files that are none.
refused 2 "expected off, on, or a file of choices" --set run.tune=sometimes
echo "train conv_fc.4 conv2d by winograd" >"$work/bad.txt"
refused 2 "bad.txt: line 1: expected 'train|test MODULE OPERATION = BACKEND WAY'" --set "run.tune=$work/bad.txt"
printf '# comment\n\ntrain conv_fc.4 conv2d = %s quantum\n' "$backend" >"$work/bad.txt"
refused 2 "'train conv_fc.4 conv2d' is done by '$backend quantum'" --set "run.tune=$work/bad.txt"
printf 'train conv_fc.4 conv2d = %s direct spikes=999\n' "$backend" >"$work/bad.txt"
refused 2 "is done by '$backend direct spikes=999'" --set "run.tune=$work/bad.txt"
printf 'train nowhere conv2d = %s direct\n' "$backend" >"$work/bad.txt"
refused 2 "'train nowhere conv2d': no plan of this network has such an operation" --set "run.tune=$work/bad.txt"
printf 'train conv_fc.4 conv2d = %s direct\ntrain conv_fc.4 conv2d = %s winograd\n' "$backend" "$backend" >"$work/bad.txt"
refused 2 "line 2: 'train conv_fc.4 conv2d' stands in line 1 too" --set "run.tune=$work/bad.txt"
echo "train conv_fc.0 conv2d_dw = abacus fast" >"$work/bad.txt"
refused 4 "is done by backend 'abacus', which backend '$backend' is not and does not extend: set [backend] name = abacus" --set "run.tune=$work/bad.txt"
refused 2 "no text of choices" --set "run.tune=$work/on/$latest"
finish
