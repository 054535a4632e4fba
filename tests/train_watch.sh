#!/usr/bin/env bash
# train --watch: rates and gradient norms in metrics.jsonl, warnings of dead and saturated layers, and the losses of a training without it.
# [run] nan = stop: the first layer that is not finite is named. eval --ops: operations by shapes and measured rates.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
base=(--set data.limit=512 --set data.test_limit=100 --set train.epochs=2 --set train.batch=64 --set run.log_every=4 --threads 2)
ini=$source_dir/examples/seq_plain.ini
"$hillock" train "$ini" "${base[@]}" --out "$work/plain" >"$work/plain.out" 2>"$work/plain.err" || { cat "$work/plain.err"; fail "train"; }
"$hillock" train "$ini" "${base[@]}" --out "$work/watched" --watch >"$work/out" 2>"$work/err" || { cat "$work/err"; fail "train --watch"; }
[ "$(grep -c '"grad_norms"' "$work/watched/metrics.jsonl")" = 4 ] || { cat "$work/watched/metrics.jsonl"; fail "expected four lines with grad_norms"; }
check
grep '"grad_norms"' "$work/watched/metrics.jsonl" | while IFS= read -r line; do
    printf '%s\n' "$line" >"$work/line.json"
    "$build_dir/tests/hillock-json-flat" <"$work/line.json" >>"$work/flat" || { cat "$work/line.json"; fail "a line of metrics.jsonl is no JSON"; }
done
grep -q 'rate' "$work/flat" || { cat "$work/flat"; fail "no rates"; }
check
# What it learns is the same: losses are compared without the speeds.
grep '"train_loss"' "$work/plain/metrics.jsonl" | sed 's/, "img_per_s.*//' >"$work/a"
grep '"train_loss"' "$work/watched/metrics.jsonl" | sed 's/, "img_per_s.*//' >"$work/b"
cmp "$work/a" "$work/b" || { diff "$work/a" "$work/b"; fail "--watch changes what is learned"; }
check
grep -q '^step 4  firing rates .*  in the window 0\.[0-9]* or more  gradient norm' "$work/out" || { cat "$work/out"; fail "no line of step 4"; }
check
# A threshold that nothing reaches, and one that everything does.
sed 's/IF(/IF(v_threshold=1e6, /' "$ini" >"$work/dead.ini"
"$hillock" train "$work/dead.ini" "${base[@]}" --set train.epochs=1 --watch --quiet 2>"$work/err" || { cat "$work/err"; fail "dead layers"; }
grep -q 'warning: layer .* is dead: 0 of its outputs' "$work/err" || { cat "$work/err"; fail "no warning of a dead layer"; }
check
sed 's/IF(/IF(v_threshold=-1e6, /' "$ini" >"$work/saturated.ini"
"$hillock" train "$work/saturated.ini" "${base[@]}" --set train.epochs=1 --watch --quiet 2>"$work/err" || { cat "$work/err"; fail "saturated layers"; }
grep -q 'warning: layer .* is saturated: 1 of its outputs' "$work/err" || { cat "$work/err"; fail "no warning of a saturated layer"; }
check
# The share of membranes in the surrogate's window: of a wide one all, of those far from the threshold none.
for range in 'IF(v_threshold=1e6, :0' 'IF(surrogate=ATan(alpha=0.001), :1'; do
    sed "s/IF(.*ATan())/${range%:*})/; s/, )/)/" "$ini" >"$work/window.ini"
    "$hillock" train "$work/window.ini" "${base[@]}" --set train.epochs=1 --watch --quiet --out "$work/window${range##*:}" 2>"$work/err" || { cat "$work/err"; fail "window"; }
    grep "\"window\": {\"net.1\": ${range##*:}, \"net.3\": ${range##*:}}" "$work/window${range##*:}/metrics.jsonl" >/dev/null ||
        { head -3 "$work/window${range##*:}/metrics.jsonl"; fail "expected a share of ${range##*:} in the window"; }
    check
done
# [monitor]: a file for each epoch, the same training, and the rates that --watch has for a step looked at alone.
"$hillock" train "$ini" "${base[@]}" --out "$work/monitored" --set monitor.spikes=mean --set monitor.membranes=full --set monitor.gradients=mean --quiet
grep '"train_loss"' "$work/monitored/metrics.jsonl" | sed 's/, "img_per_s.*//' >"$work/b"
cmp "$work/a" "$work/b" || fail "[monitor] changes what is learned"
check
for name in '"net.1:y":{"dtype":"F32","shape":\[32\]' '"net.1:v":{"dtype":"F32","shape":\[28,64,32\]' '"grad_of:net.3:y":{"dtype":"F32","shape":\[10\]' '"hk.steps":"8"'; do
    grep -a "$name" "$work/monitored/monitor_0002.safetensors" >/dev/null || { head -c 800 "$work/monitored/monitor_0002.safetensors"; fail "monitor_0002: no $name"; }
    check
done
# Weights that grow beyond all numbers: the first Linear is named, at some step.
code=0
"$hillock" train "$ini" "${base[@]}" --set train.lr=1e6 --set 'train.loss=CrossEntropy()' --set 'train.optimizer=SGD(weight_decay=1e6)' --set run.nan=stop --quiet 2>"$work/err" || code=$?
[ "$code" = 1 ] || { cat "$work/err"; fail "nan=stop: exit code $code, expected 1"; }
grep -q 'training step [0-9]*: layer .* (Linear) is the first whose output is not finite' "$work/err" || { cat "$work/err"; fail "the layer is not named"; }
check
# Dense operations are those of the shapes, 28 steps of 28 x 32 and 32 x 10; the second layer's inputs are spikes.
"$hillock" eval "$ini" --checkpoint "$work/watched/checkpoint_latest.safetensors" --set data.test_limit=64 --ops --quiet >"$work/out" || fail "eval --ops"
awk '$1 == "net.0" { first = $2 == 25088 && $NF == "-" } $1 == "net.2" { second = $2 == 8960 && $NF < 8960 && ($NF - 89.6 * $3) ^ 2 < 1 } END { exit !(first && second) }' "$work/out" ||
    { cat "$work/out"; fail "eval --ops: wrong counts"; }
check
finish
