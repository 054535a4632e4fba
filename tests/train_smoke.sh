#!/usr/bin/env bash
# A short training of seq_plain: exit code 0, metrics.jsonl has its keys, the loss falls.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
run=$work/run
"$hillock" train "$source_dir/examples/seq_plain.ini" --out "$run" --set data.limit=4096 --set train.epochs=2 --set run.log_every=1 >"$work/out" 2>&1 ||
    { cat "$work/out"; fail "hillock train failed"; }
tail -n 5 "$work/out"
[ -s "$run/metrics.jsonl" ] || fail "no metrics.jsonl"
tail -n 3 "$run/metrics.jsonl"

number() { sed -n "s/.*\"$1\": *\([-+0-9.eE]*\).*/\1/p"; }
epochs=$(grep -v '"step"' "$run/metrics.jsonl")
check
[ "$(wc -l <<<"$epochs")" = 2 ] || fail "not one line for each of two epochs"
for key in epoch train_loss train_acc test_loss test_acc img_per_s; do
    check
    [ "$(number "$key" <<<"$epochs" | wc -l)" = 2 ] || fail "metrics.jsonl lacks $key"
done
for key in train_acc test_acc; do
    check
    number "$key" <<<"$epochs" | awk '$1 < 0 || $1 > 1 { bad = 1 } END { exit bad }' || fail "$key is not within 0..1"
done
check
[ "$(grep -c '"step"' "$run/metrics.jsonl")" -ge 16 ] || fail "log_every=1 left fewer than 16 lines with a step"
check
number train_loss <<<"$epochs" | awk 'NR == 1 { first = $1 } { last = $1 } END { exit !(last < first) }' || fail "the loss does not fall"
check
[ -n "$(find "$run" -name '*.safetensors')" ] || fail "no checkpoint at the end"

# Values that make no sense, and keys that don't exist, are refused with exit code 2.
for wrong in train.epochs=-3 train.epochz=3 nosuch.key=1; do
    check
    code=0
    "$hillock" train "$source_dir/examples/seq_plain.ini" --out "$work/wrong" --set "$wrong" >"$work/out" 2>&1 || code=$?
    [ "$code" = 2 ] || { cat "$work/out"; fail "--set $wrong: exit code $code, expected 2"; }
done
finish
