#!/usr/bin/env bash
# [train] clip_norm, clip_value, accumulate, ema, [groups], start_epoch and [run] amp: what they change, that a run with all of them is taken up again
# to the byte, that tests, eval and export use the averages, and what is refused.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
config=$source_dir/examples/seq_plain.ini
small=(--set data.limit=1040 --set data.test_limit=200 --set train.batch=64 --set train.epochs=2 --set run.log_every=1 --threads 2 --quiet)
all=(--set train.clip_norm=0.05 --set train.clip_value=0.01 --set train.accumulate=3 --set train.ema=0.9 --set 'groups.plain=*.bias one_axis: weight_decay=0, lr=0.002'
    --set 'train.optimizer=AdamW(weight_decay=0.1)' --set 'train.scheduler=StepLR(1)')
run() {
    local name=$1
    shift
    "$hillock" train "$config" "${small[@]}" --out "$work/$name" "$@" >"$work/$name.out" 2>&1 || { cat "$work/$name.out"; fail "$name: hillock train failed"; }
}
same() { check; cmp "$work/$1/checkpoint_latest.safetensors" "$work/$2/checkpoint_latest.safetensors" || fail "$1 and $2 differ"; }
losses() { grep '"train_loss"' "$work/$1/metrics.jsonl" | sed 's/, "img_per_s.*//'; }

# A group in the file is the group on the command line.
{ cat "$config"; printf '[groups]\nplain = *.bias one_axis: weight_decay=0, lr=0.002\n'; } >"$work/groups.ini"
run set "${all[@]}"
"$hillock" train "$work/groups.ini" "${small[@]}" --out "$work/file" "${all[@]:0:8}" "${all[@]:10}" >"$work/file.out" 2>&1 || { cat "$work/file.out"; fail "groups.ini"; }
same set file

# Sixteen batches: five steps of three and one of the last, twice.
run whole "${all[@]}"
[ "$(grep -c '"step"' "$work/whole/metrics.jsonl")" = 12 ] || fail "accumulate = 3: expected 12 steps, got $(grep -c '"step"' "$work/whole/metrics.jsonl")"
check
run cut "${all[@]}" --set checkpoint.every_steps=8
mv "$work/cut/checkpoint_previous.safetensors" "$work/cut/checkpoint_latest.safetensors"
rm "$work/cut/checkpoint_max.safetensors"
run cut "${all[@]}" --resume auto --threads 1 --set run.nb=32
same whole cut

# Each option alone changes what is learned; bounds that are never reached and a step of one batch do not.
run plain
run far --set train.clip_norm=1e6 --set train.clip_value=1e6 --set train.accumulate=1
[ "$(losses plain)" = "$(losses far)" ] || fail "bounds that are not reached change what is learned"
check
n=0
for set in train.clip_norm=0.01 train.clip_value=0.0001 train.accumulate=2 'groups.slow=net.0.*: lr=0.0001'; do
    n=$((n + 1))
    run "one$n" --set "$set"
    [ "$(losses plain)" != "$(losses "one$n")" ] || fail "$set: nothing changed"
    check
done

# With an average: training is as without, tests are by the average, and so is eval; export has either.
run ema --set train.ema=0.99
run off --set train.ema=0.99 --set train.ema_test=off
[ "$(losses ema | sed 's/, "test.*//')" = "$(losses plain | sed 's/, "test.*//')" ] || fail "ema changes the training"
[ "$(losses off)" = "$(losses plain)" ] || fail "ema_test = off changes the tests"
[ "$(losses ema)" != "$(losses plain)" ] || fail "the tests do not use the average"
check
tested=$(losses ema | tail -1 | sed 's/.*"test_acc": \([0-9.e-]*\).*/\1/')
for set in on off; do
    "$hillock" eval "$config" --checkpoint "$work/ema/checkpoint_latest.safetensors" --set data.test_limit=200 --set train.ema=0.99 --set train.ema_test=$set --json --quiet >"$work/$set.json"
done
grep -F "\"test_acc\": $tested," "$work/on.json" >/dev/null || { cat "$work/on.json"; fail "eval with the average: expected $tested"; }
[ "$(cat "$work/on.json")" != "$(cat "$work/off.json")" ] || fail "eval: ema_test has no effect"
check
"$hillock" export weights --checkpoint "$work/ema/checkpoint_latest.safetensors" --out "$work/model.safetensors" >/dev/null
"$hillock" export weights --checkpoint "$work/ema/checkpoint_latest.safetensors" --out "$work/average.safetensors" --ema >/dev/null
for name in model average; do
    "$hillock" eval "$config" --checkpoint "$work/$name.safetensors" --set data.test_limit=200 --json --quiet >"$work/$name.json"
done
cmp "$work/average.json" "$work/on.json" || fail "export --ema: $(cat "$work/average.json"), expected $(cat "$work/on.json")"
cmp "$work/model.json" "$work/off.json" || fail "export: $(cat "$work/model.json"), expected $(cat "$work/off.json")"
check

# A new run that begins with the second epoch: its learning rate and its order of samples, one epoch in all.
run late --set train.start_epoch=1 --set 'train.scheduler=StepLR(1)'
[ "$(grep -c '"test_loss"' "$work/late/metrics.jsonl")" = 1 ] || fail "start_epoch = 1 of 2: expected one epoch"
grep '"epoch": 2, "step": 1,.*"lr": 0.0001,' "$work/late/metrics.jsonl" >/dev/null || { head -1 "$work/late/metrics.jsonl"; fail "start_epoch: not the second epoch's learning rate"; }
check

# The same by options of their own.
run keyed --set train.clip_norm=0.01 --set train.clip_value=0.5 --set train.accumulate=2 --set train.ema=0.9
run optioned --clip-grad-norm 0.01 --clip-grad-value 0.5 --accumulate 2 --model-ema-decay 0.9
same keyed optioned

# refused CODE TEXT options...: the exit code, and what the message must say.
refused() {
    local want=$1 text=$2 code=0
    shift 2
    "$hillock" train "$config" "${small[@]}" "$@" >"$work/out" 2>&1 || code=$?
    check
    [ $code = "$want" ] || { cat "$work/out"; fail "$*: exit code $code, expected $want"; }
    grep -F -- "$text" "$work/out" >/dev/null || { cat "$work/out"; fail "$*: the message lacks '$text'"; }
}
backend=${HILLOCK_TEST_BACKEND:-cpu}
for amp in bf16 f16; do refused 2 "[run] amp: backend '$backend' computes in its own precision and has no $amp" --set run.amp=$amp; done
refused 2 "--amp: [run] amp: backend '$backend' computes in its own precision and has no f16" --amp
refused 2 '--start-epoch: [train] start_epoch: expected less' --start-epoch 2
refused 2 '[train] start_epoch: expected less than [train] epochs = 2, got 2' --set train.start_epoch=2
refused 2 "[groups] a: expected names of parameters, a colon" --set 'groups.a=weight_decay=0'
refused 2 "[groups] a: expected the name of a parameter that learns, or a pattern of some, as *.bias, got 'bias'" --set 'groups.a=bias: lr=1'
refused 2 "[groups] a: the optimizer has no field 'weight_dekay'" --set 'groups.a=*.bias: weight_dekay=0'
refused 2 "[groups] a: expected fields of the optimizer behind the colon" --set 'groups.a=*.bias: lr'
refused 2 '[train] ema: expected' --set train.ema=1
refused 2 '[train] accumulate: expected 3' "${all[@]}" --set train.accumulate=2 --out "$work/whole" --resume auto
refused 2 '[groups] plain: expected' "${all[@]}" --set 'groups.plain=*.bias: lr=0.002' --out "$work/whole" --resume auto
code=0
"$hillock" export weights --checkpoint "$work/plain/checkpoint_latest.safetensors" --out "$work/none.safetensors" --ema 2>"$work/err" || code=$?
check
[ $code = 5 ] && [ ! -e "$work/none.safetensors" ] || { cat "$work/err"; fail "export --ema without averages: exit code $code, expected 5"; }
finish
