#!/usr/bin/env bash
# [run] nan = skip and rollback: a batch that is not finite changes nothing of the network, is counted, and leaves the training's end alone that it
# can't have; bits do not depend on where the training was cut and taken up again; what does not get better ends with an error.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
train() { "$hillock" train "$source_dir/tests/blobs.ini" --set plugins.path="$build_dir/tests/plugins/blobs.so" "$@"; }
run() { # NAME [options]: must succeed
    local name=$1
    shift
    train --out "$work/$name" --quiet "$@" >"$work/$name.out" 2>&1 || { cat "$work/$name.out"; fail "$name: hillock train failed"; }
}
refused() { # CODE TEXT [options]
    local want=$1 text=$2 code=0
    shift 2
    train --quiet "$@" >"$work/out" 2>&1 || code=$?
    check
    [ $code = "$want" ] || { cat "$work/out"; fail "$*: exit code $code, expected $want"; }
    grep -F -- "$text" "$work/out" >/dev/null || { cat "$work/out"; fail "$*: the message lacks '$text'"; }
}
same() { check; cmp "$work/$1/checkpoint_latest.safetensors" "$work/$2/checkpoint_latest.safetensors" || fail "$1 and $2 end with other bytes"; }
count() { grep -c "$1" "$work/$2/metrics.jsonl" || true; }
acc() { grep -v '"step"' "$work/$1/metrics.jsonl" | tail -n 1 | sed 's/.*"test_acc": \([^,]*\),.*/\1/'; }
meta() { LC_ALL=C sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/;q" <(head -c 4000 "$work/$2/checkpoint_latest.safetensors" | tr -d '\n'); }
bad=(--set 'data.name=Blobs(bad="5 77")') # two samples: one or two batches of each of four epochs

# Without the policy, the training is lost, though its loss is finite (neurons that are none do not fire); with it and without a bad batch, it is the same training.
run lost "${bad[@]}"
check
awk -v a="$(acc lost)" 'BEGIN { exit !(a < 0.5) }' || fail "a sample that is not finite does no harm: test accuracy $(acc lost)"
run plain
run plain_skip --set run.nan=skip
check
[ "$(grep -v '"step"' "$work/plain/metrics.jsonl" | sed 's/, "img_per_s.*//')" = "$(grep -v '"step"' "$work/plain_skip/metrics.jsonl" | sed 's/, "img_per_s.*//')" ] ||
    fail "nan = skip changes a training without a bad batch"

for policy in skip rollback; do
    now=("${bad[@]}" --set "run.nan=$policy" --set run.nan_every=5)
    run $policy "${now[@]}"
    n=$(count '"skipped"' $policy)
    check
    [[ "$n" =~ ^[4-8]$ ]] || { cat "$work/$policy/metrics.jsonl"; fail "$policy: $n batches were left out, expected 4 to 8"; }
    [ "$(meta hk.optim.step $policy) $(meta hk.nan.bad $policy)" = "64 $n" ] || fail "$policy: 64 steps and $n batches, got '$(meta hk.optim.step $policy)' and '$(meta hk.nan.bad $policy)'"
    check
    awk -v a="$(acc $policy)" 'BEGIN { exit !(a > 0.8) }' || fail "$policy: test accuracy $(acc $policy), expected more than 0.8"
    grep -F 'warning: training step' "$work/$policy.out" >/dev/null || { cat "$work/$policy.out"; fail "$policy: no warning"; }
    # Cut at every seventh step, and taken up: also between a state that is kept and the batch that goes back to it.
    for k in 7 14 21 28 35 42 49 56 63; do
        name=$policy-$k
        run "$name" "${now[@]}" --set checkpoint.every_steps=$k
        same $policy "$name"
        [ "$k" -gt 31 ] || continue # that of step k is checkpoint_previous
        mv "$work/$name/checkpoint_previous.safetensors" "$work/$name/checkpoint_latest.safetensors"
        run "$name" "${now[@]}" --resume auto
        same $policy "$name"
        check
        diff <(sed 's/, "img_per_s.*//' "$work/$policy/metrics.jsonl") <(sed 's/, "img_per_s.*//' "$work/$name/metrics.jsonl") || fail "$name: metrics.jsonl differs"
    done
done
check
[ "$(meta hk.optim.skipped skip)" = "$(meta hk.nan.bad skip)" ] || fail "skip: the optimizer counts batches that were left out"
check
[ "$(meta hk.optim.skipped rollback)" -gt "$(meta hk.nan.bad rollback)" ] || fail "rollback: nothing was gone back over"
# The learning rate is lowered each time.
run lower "${bad[@]}" --set run.nan=rollback --set run.nan_lr=0.5 --set train.scheduler=none
n=$(count '"skipped"' lower)
check
awk -v n="$n" -v lr="$(grep '"skipped"' "$work/lower/metrics.jsonl" | tail -n 1 | sed 's/.*"lr": \([^}]*\)}/\1/')" 'BEGIN { exit !(lr == 0.02 / 2 ^ n) }' ||
    { cat "$work/lower/metrics.jsonl"; fail "nan_lr: the rate behind $n batches is wrong"; }

# What does not get better ends with an error; the checkpoint before it is whole, and goes on under a larger limit.
refused 1 'training step 4: the loss or a gradient is not finite, for the 4th time in a row' --set 'data.name=Blobs(bad=all)' --set run.nan=skip --set run.nan_limit=3
refused 1 'for the 4th time since the state that was gone back to' --set 'data.name=Blobs(bad=all)' --set run.nan=rollback --set run.nan_limit=3
far=("${bad[@]}" --set run.nan=rollback --set run.nan_every=1000)
run far "${far[@]}"
refused 1 '[run] nan_limit' "${far[@]}" --set run.nan_limit=1 --set checkpoint.every_steps=1 --out "$work/ends"
run ends "${far[@]}" --resume auto
same far ends
# stop: every batch of a step is looked at, not the last one alone.
refused 3 'the samples of training step 1 have numbers that are not finite' "${bad[@]}" --set run.nan=stop --set train.accumulate=16
refused 2 '[run] nan_lr: expected 1' --set run.nan_lr=0.5
# The averages go back with the parameters they are of.
run averages "${far[@]}" --set train.ema=0.9
check
LC_ALL=C grep -aF '"hk.rollback.ema.fc1.weight"' "$work/averages/checkpoint_latest.safetensors" >/dev/null || fail "rollback keeps no averages"

# The state to go back to counts against memory_limit: the least limit that a training has enough of is too little for one with rollback.
plan() { "$hillock" plan "$source_dir/tests/blobs.ini" --set plugins.path="$build_dir/tests/plugins/blobs.so" "$@" >"$work/plan" 2>&1; }
least=1
for _ in 1 2 3 4 5 6 7 8; do
    plan --set run.memory_limit="$least" && break
    least=$(sed -n 's/.* needs\{0,1\} \(at least \)\{0,1\}\([0-9]*\) bytes, and memory_limit is.*/\2/p' "$work/plan")
    [ -n "$least" ] || { cat "$work/plan"; fail "no number of bytes in the refusal"; }
done
plan --set run.memory_limit="$least" || { cat "$work/plan"; fail "no limit is enough, at $least bytes"; }
plan --set run.nan=skip --set run.memory_limit="$((least + 2048))" || { cat "$work/plan"; fail "skip keeps no state"; }
code=0
plan --set run.nan=rollback --set run.memory_limit="$((least + 2048))" || code=$?
check
[ $code = 2 ] && grep -F 'and memory_limit is' "$work/plan" >/dev/null || { cat "$work/plan"; fail "rollback at $least bytes: exit code $code, expected 2"; }
finish
