#!/usr/bin/env bash
# A convolutional network trained on onednn: the plan names what oneDNN runs, the loss goes as on cpu (within 1e-3), twice the same bits, for any number
# of threads, and a training that was interrupted and resumed ends with the bytes of one that was not.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
[ -e "$build_dir/lib/hillock/plugins/backend_onednn.so" ] || skip "the onednn backend was left out when this was built (cmake said why)"
[ -z "${HILLOCK_TEST_BACKEND:-}" ] || fail "this test names its backends itself; HILLOCK_TEST_BACKEND must not be set"
train() { # NAME BACKEND ARGS...
    local name=$1 backend=$2
    shift 2
    "$hillock" train "$source_dir/examples/fmnist_csnn.ini" --out "$work/$name" --plan --set "backend.name=$backend" --set train.epochs=2 --set data.limit=640 \
        --set data.test_limit=64 --set train.batch=64 --set model.channels=16 --set run.log_every=1 "$@" >"$work/$name.out" 2>&1 || { cat "$work/$name.out"; fail "$name: hillock train failed"; }
}
losses() { grep -o '"train_loss": *[0-9.eE+-]*' "$work/$1/metrics.jsonl" | sed 's/.*: *//'; }
same() {
    check
    cmp "$work/one/checkpoint_latest.safetensors" "$work/$1/checkpoint_latest.safetensors" || fail "$1: other bytes"
}
train cpu cpu
train one onednn
check
grep -q '"backend": "onednn"' "$work/one/run.json" || fail "run.json does not name onednn"
check
grep -q 'linear_dx .*onednn: ' "$work/one.out" || { cat "$work/one.out"; fail "the plan names no product of oneDNN"; }
check
! grep -q 'onednn: ' "$work/cpu.out" || fail "the plan on cpu names oneDNN"
check
grep -q 'conv2d .*spikes' "$work/one.out" || { cat "$work/one.out"; fail "the convolution of spikes does not go to cpu"; }

paste <(losses cpu) <(losses one) >"$work/losses"
check
awk '
    { d = $1 - $2; if (d < 0) d = -d; if (NF != 2 || !($1 > 0) || d > 1e-3 * $1) { print "cpu", $1, "onednn", $2; bad = 1 } if (NR == 1) first = $1; last = $1 }
    END { if (NR < 20 || last > 0.9 * first) { print NR " losses, from " first " to " last; bad = 1 } exit bad }
' "$work/losses" || fail "the losses differ by more than 1e-3, or tell nothing"

train again onednn
same again
train threads onednn --set run.threads=1 --set run.nb=16
same threads
train blocks onednn --set run.threads=2 --set run.nb=32
same blocks
# As if killed behind step 13 of 20.
train cut onednn --set checkpoint.every_steps=13
mv "$work/cut/checkpoint_previous.safetensors" "$work/cut/checkpoint_latest.safetensors"
train cut onednn --set checkpoint.every_steps=13 --resume auto
check
grep -q "resumed at training step 13," "$work/cut.out" || { cat "$work/cut.out"; fail "not resumed at step 13"; }
same cut
finish
