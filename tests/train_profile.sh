#!/usr/bin/env bash
# train --profile: a table whose times add up to what the runs took, and a trace.json that is JSON with one complete event for each call.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
"$hillock" train "$source_dir/examples/seq_feedback.ini" --profile --threads 2 --set train.epochs=1 --set data.limit=1024 --set data.test_limit=400 --out "$work/run" >"$work/out" ||
    { cat "$work/out"; fail "train --profile"; }
check
for title in training tests; do
    awk -v title="$title" '
        $1 == "profile" { on = $3 == title ":"; if (on) { total = $(NF - 1); found = 1 } next }
        on && $1 == "operation" { next }
        on && match($0, /[0-9.]+ +-?[0-9.]+ %/) { split(substr($0, RSTART, RLENGTH), v, " "); sum += v[1]; share += v[2]; rows++ }
        END { if (!found || rows < 5 || sum < total - 0.06 || sum > total + 0.06 || share < 97 || share > 103) { print title ": " rows " rows, sum " sum " of " total " ms, " share " %"; exit 1 } }
    ' "$work/out" || { cat "$work/out"; fail "the times do not add up"; }
    check
done
"$build_dir/tests/hillock-json-flat" <"$work/run/trace.json" >"$work/flat" || fail "trace.json is no JSON"
check
grep -q 'ph=X$' "$work/flat" || { head "$work/flat"; fail "trace.json has no complete event"; }
grep -q 'linear_dw' "$work/flat" || fail "trace.json has no linear_dw"
"$hillock" bench "$source_dir/bench/seq-plain.ini" --batch 32 --iters 1 --profile --json >"$work/json" || fail "bench --profile --json"
check
while IFS= read -r line; do
    printf '%s\n' "$line" >"$work/line.json"
    "$build_dir/tests/hillock-json-flat" <"$work/line.json" >/dev/null || { cat "$work/line.json"; fail "bench --profile --json: no JSON"; }
done <"$work/json"
[ "$(grep -c '"profile"' "$work/json")" = 2 ] || { cat "$work/json"; fail "bench --profile: expected two profiles"; }
finish
