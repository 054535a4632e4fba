#!/usr/bin/env bash
# hillock sweep: the product of the lists, each run in its folder; what is done is not repeated, what was cut goes on with the same bytes; tables and figure; mistakes.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
ini=$source_dir/examples/seq_plain.ini
small=(--set data.limit=512 --set data.test_limit=100 --set train.epochs=2)
sweep() { "$hillock" sweep "$ini" "${small[@]}" --set train.lr=0.01,0.001 --set run.seed=0,1 "$@"; }
sweep --out "$work/a" >"$work/out" 2>&1 || { cat "$work/out"; fail "the sweep failed"; }
check
[ "$(find "$work/a" -name 'checkpoint_latest.*' | wc -l)" = 4 ] || fail "expected four runs"
grep -q '<- best' "$work/out" || { cat "$work/out"; fail "no table"; }
[ "$(wc -l <"$work/a/sweep.csv")" = 5 ] || { cat "$work/a/sweep.csv"; fail "sweep.csv: expected a head and four rows"; }
# Mean and standard deviation are those of the runs.
check
awk -F, 'NR > 1 && $3 == "0.01" { n++; v[n] = $7 } END { m = (v[1] + v[2]) / 2; printf "%.4f ± %.4f\n", m, sqrt((v[1] - m) ^ 2 + (v[2] - m) ^ 2) }' <(sed 's/"[^"]*"/x,x/; s/x,x/x/' "$work/a/sweep.csv" | sed 's/^x,/x,y,/') >"$work/want"
grep -qF "$(cat "$work/want")" "$work/a/sweep.md" || { cat "$work/want" "$work/a/sweep.md" "$work/a/sweep.csv"; fail "sweep.md has not the mean and deviation of the runs"; }

# The same again repeats nothing; a run that was cut goes on, with the bytes it would have had.
before=$(sha256sum "$work"/a/*/run.json)
sweep --out "$work/a" >"$work/out" 2>&1 || { cat "$work/out"; fail "the sweep failed the second time"; }
check
[ "$(grep -c 'done before' "$work/out")" = 4 ] || { cat "$work/out"; fail "expected four runs done before"; }
[ "$before" = "$(sha256sum "$work"/a/*/run.json)" ] || fail "a run that was done was touched"
run="$work/a/lr=0.01,seed=1"
cp "$run/checkpoint_latest.safetensors" "$work/whole"
rm "$run"/*
"$hillock" train "$ini" "${small[@]}" --set train.lr=0.01 --set run.seed=1 --set train.epochs=1 --out "$run" --quiet || fail "train failed"
sweep --out "$work/a" >"$work/out" 2>&1 || { cat "$work/out"; fail "the sweep failed the third time"; }
check
grep -q 'resumed at training step' "$work/out" || { cat "$work/out"; fail "the run that was cut did not go on"; }
cmp "$run/checkpoint_latest.safetensors" "$work/whole" || fail "the run that went on has other bytes"

# Brackets and quotes hold a value together; a run that fails does not stop the others.
code=0
"$hillock" sweep "$ini" "${small[@]}" --set 'train.optimizer=SGD(momentum=0.9, nesterov=true),Adam()' --set 'backend.options="conv=auto"' --out "$work/b" >"$work/out" 2>&1 || code=$?
check
[ "$code" = 0 ] && [ "$(grep -c '^\[' "$work/out")" = 2 ] || { cat "$work/out"; fail "expected two runs, exit code 0, got $code"; }
code=0
"$hillock" sweep "$ini" "${small[@]}" --set train.lr=1e6,0.01 --set run.nan=stop --out "$work/c" >"$work/out" 2>&1 || code=$?
check
{ [ "$code" = 0 ] || [ "$code" = 1 ]; } && [ -e "$work/c/lr=0.01/checkpoint_latest.safetensors" ] || { cat "$work/out"; fail "the second run was not done (exit code $code)"; }

# refused TEXT arguments...
refused() {
    local text=$1 code=0
    shift
    "$hillock" sweep "$@" >"$work/out" 2>&1 || code=$?
    check
    [ "$code" = 2 ] && grep -qF -- "$text" "$work/out" || { cat "$work/out"; fail "expected exit code 2 and '$text', got $code"; }
}
refused '--out DIR' "$ini" --set train.lr=1,2
refused 'a value is missing' "$ini" --set train.lr=1,,2 --out "$work/d"
refused 'is there twice' "$ini" --set train.lr=1,1 --out "$work/d"
refused 'unknown key' "$ini" --set train.lt=1,2 --out "$work/d"
[ ! -e "$work/d" ] || fail "a sweep that was refused left a folder"

# A list where one value is expected names the sweep; one value that is wrong does not.
code=0
"$hillock" train "$ini" --set run.seed=1,2 >"$work/list" 2>&1 || code=$?
[ $code = 2 ] || { cat "$work/list"; fail "train with a list: exit code $code, expected 2"; }
grep -qF "hillock sweep CONFIG.ini --set 'run.seed=1,2' --out DIR" "$work/list" || { cat "$work/list"; fail "train with a list does not name the sweep"; }
"$hillock" train "$ini" --set run.seed=x >"$work/list" 2>&1 || true
! grep -qF "hillock sweep" "$work/list" || { cat "$work/list"; fail "one wrong value names the sweep"; }
finish
