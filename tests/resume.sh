#!/usr/bin/env bash
# A run that was stopped and taken up again ends with the bytes of one that never stopped: at several steps, within an epoch, between an
# epoch and its test, after signals; each epoch and step is once in metrics.jsonl. Settings that differ are refused.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
config=$source_dir/examples/seq_plain.ini
small=(--set data.limit=4096 --set data.test_limit=500 --set run.log_every=1)
train() { "$hillock" train "$config" "${small[@]}" "$@"; }
# run NAME [options]: must succeed.
run() {
    local name=$1
    shift
    train --out "$work/$name" "$@" >"$work/$name.out" 2>&1 || { cat "$work/$name.out"; fail "$name: hillock train failed"; }
}
same() { check; cmp "$work/$1" "$work/$2" || fail "$1 and $2 differ"; }
# What a line says, without the speed.
lines() { sed -E 's/, "img_per_s": [^}]*//' "$work/$1/metrics.jsonl"; }
same_lines() { check; diff <(lines "$1") <(lines "$2") || fail "$2: metrics.jsonl is not the one of $1"; }

for epochs in 1 3; do
    run "whole$epochs" --set train.epochs=$epochs
    steps=$((16 * epochs))
    [ "$(grep -c '"step"' "$work/whole$epochs/metrics.jsonl")" = $steps ] || fail "expected $steps steps"
    # With every_steps = k above half of the steps, checkpoint_previous is that of step k.
    for k in $((steps / 2 + 1)) $((steps - 6)) $((steps - 1)) "$steps"; do
        name=at$epochs-$k
        run "$name" --set train.epochs=$epochs --set "checkpoint.every_steps=$k"
        same "whole$epochs/checkpoint_latest.safetensors" "$name/checkpoint_latest.safetensors"
        # As if killed behind step k: that checkpoint is the newest, metrics.jsonl knows more, and its last line is cut.
        mv "$work/$name/checkpoint_previous.safetensors" "$work/$name/checkpoint_latest.safetensors"
        rm -f "$work/$name/checkpoint_max.safetensors"
        printf '{"epoch": 3, "st' >>"$work/$name/metrics.jsonl"
        run "$name" --set train.epochs=$epochs --resume auto --threads 1 --set run.nb=32
        grep -q "resumed at training step $k," "$work/$name.out" || { cat "$work/$name.out"; fail "$name: not resumed at step $k"; }
        same "whole$epochs/checkpoint_latest.safetensors" "$name/checkpoint_latest.safetensors"
        same_lines "whole$epochs" "$name"
    done
done
same whole3/checkpoint_max.safetensors at3-25/checkpoint_max.safetensors

# A finished run has nothing to do and writes nothing; auto without a checkpoint starts from nothing; a FILE goes on elsewhere.
before=$(sha256sum "$work"/whole3/*.safetensors)
run whole3 --set train.epochs=3 --resume auto
check
[ "$before" = "$(sha256sum "$work"/whole3/*.safetensors)" ] || fail "resuming a finished run changed its checkpoints"
run anew --set train.epochs=3 --resume auto
same whole3/checkpoint_latest.safetensors anew/checkpoint_latest.safetensors
run mid --set train.epochs=3 --set checkpoint.every_steps=29
run other --set train.epochs=3 --resume "$work/mid/checkpoint_previous.safetensors"
same whole3/checkpoint_latest.safetensors other/checkpoint_latest.safetensors

# On ref, whose numbers are doubles, checkpoints keep doubles.
ref=(--set backend.name=ref --set data.limit=96 --set data.test_limit=20 --set train.batch=16 --set train.test_batch=20 --set train.epochs=1)
run ref-whole "${ref[@]}"
run ref-cut "${ref[@]}" --set checkpoint.every_steps=4
mv "$work/ref-cut/checkpoint_previous.safetensors" "$work/ref-cut/checkpoint_latest.safetensors"
run ref-cut "${ref[@]}" --resume auto
grep -q "resumed at training step 4," "$work/ref-cut.out" || { cat "$work/ref-cut.out"; fail "ref: not resumed at step 4"; }
same ref-whole/checkpoint_latest.safetensors ref-cut/checkpoint_latest.safetensors
grep -qa '"hk.optim.exp_avg.net.0.weight":{"dtype":"F64"' "$work/ref-whole/checkpoint_latest.safetensors" || fail "ref: optimizer state is not stored in double"

# Signals: a checkpoint and 75; the rest gives the same bytes.
run long --set train.epochs=12
for signal in INT TERM USR1; do
    "$hillock" train "$config" "${small[@]}" --out "$work/$signal" --set train.epochs=12 >"$work/$signal.out" 2>&1 & # not by a function: $! is hillock's
    pid=$!
    until [ -s "$work/$signal/metrics.jsonl" ]; do kill -0 $pid 2>/dev/null || break; sleep 0.01; done
    kill -s "$signal" $pid
    code=0
    wait $pid || code=$?
    check
    [ $code = 75 ] || { cat "$work/$signal.out"; fail "SIG$signal: exit code $code, expected 75"; }
    grep '^hillock: stopped' "$work/$signal.out"
    run "$signal" --set train.epochs=12 --resume auto
    same long/checkpoint_latest.safetensors "$signal/checkpoint_latest.safetensors"
    same_lines long "$signal"
done

# refused CODE TEXT options...: the exit code, and what the message must say.
refused() {
    local want=$1 text=$2 code=0
    shift 2
    "$hillock" train "$config" "$@" >"$work/out" 2>&1 || code=$?
    check
    [ $code = "$want" ] || { cat "$work/out"; fail "$*: exit code $code, expected $want"; }
    grep -qF -- "$text" "$work/out" || { cat "$work/out"; fail "$*: the message lacks '$text'"; }
}
kept=("${small[@]}" --set train.epochs=3 --out "$work/mid" --resume auto)
refused 2 '[train] lr: expected 0.001' "${kept[@]}" --set train.lr=0.002
refused 2 '[run] seed: expected 0' "${kept[@]}" --set run.seed=4
refused 2 '[data] limit: expected 4096' "${kept[@]}" --set data.limit=2048
refused 2 '[layers] net.1: expected IF(' "${kept[@]}" --set 'layers.net.1=LIF()'
refused 2 '[layers] net.4: expected nothing' "${kept[@]}" --set 'layers.net.4=Linear(10, 10)'
refused 2 '[train] epochs: expected at least 3' "${kept[@]}" --set train.epochs=2
refused 2 '[run] out: expected a folder without checkpoints' "${small[@]}" --out "$work/mid"
refused 2 '[run] out: expected the folder' "${small[@]}" --resume auto
run mid --set train.epochs=4 --set train.lr=0.001 --resume auto # more epochs, and the same number written otherwise
finish
