#!/usr/bin/env bash
# bench runs what train runs: for the same settings both print the same training plan; its inference has no loss; its options are the ini's keys; it prints
# firing rates.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
plans() { sed -n '/^training plan/,/^arena/p; /^test plan/,/^arena/p' "$1"; }
names=()
for ini in "$source_dir"/bench/*.ini; do names+=("$(basename "$ini" .ini)"); done
for name in "${names[@]}"; do
    ini=$source_dir/bench/$name.ini
    grep -q '^optimizer' "$ini" || continue # a workload without a training
    sets=(--set train.batch=64 --set train.test_batch=64 --threads 2)
    short=(--batch 64)
    if grep -q '^channels' "$ini"; then sets+=(--set model.channels=4) short+=(--channels 4); fi
    HILLOCK_BENCH_DIR=$source_dir/bench "$hillock" bench "$name" "${short[@]}" --set train.test_batch=64 --threads 2 --iters 1 --plan --rates >"$work/bench" 2>&1 ||
        { cat "$work/bench"; fail "hillock bench $name failed"; }
    "$hillock" train "$ini" "${sets[@]}" --set data.limit=64 --set data.test_limit=64 --set train.epochs=1 --plan >"$work/train" 2>&1 || { cat "$work/train"; fail "train failed"; }
    "$hillock" plan "$ini" "${sets[@]}" >"$work/plan" 2>&1 || { cat "$work/plan"; fail "plan failed"; }
    plans "$work/train" >"$work/train.plans"
    [ "$(grep -c '^arena' "$work/train.plans")" = 2 ] || fail "$name: train did not print two plans"
    check
    plans "$work/plan" | diff "$work/train.plans" - || fail "$name: plan has other plans than train"
    check
    plans "$work/bench" | diff <(sed '/^arena/q' "$work/train.plans") - || fail "$name: bench has another training plan than train"
    check
    sed -n '/^inference plan/,/^arena/p' "$work/bench" | grep -E ' (sum_t|linear_neuron) ' >/dev/null || fail "$name: bench does not infer the mean over T"
    check
    ! sed -n '/^inference plan/,/^arena/p' "$work/bench" | grep -E ' (correct|one_hot|cross_entropy) ' >/dev/null || fail "$name: bench infers with a loss"
    check
    neurons=$(grep -cE '^[^#]*= .*\b(IF|LIF|ParametricLIF|snn\.Leaky)\(' "$ini" || true)
    rates=$(grep -c "^$name rate .* [01]\.[0-9]*$" "$work/bench" || true)
    [ "$neurons" -gt 0 ] || neurons=4 # CSNN() of a model pack
    [ "$rates" = "$neurons" ] || { cat "$work/bench"; fail "$name: $rates firing rates for $neurons spiking layers"; }
    grep "^$name " "$work/bench"
done
T=$("$hillock" bench "$source_dir/bench/seq-plain.ini" --T 28 --batch 32 --iters 1 --json --rates | grep -c '^{')
check
[ "$T" = 3 ] || fail "--json: expected three lines, got $T"
code=0
"$hillock" bench "$source_dir/bench/seq-plain.ini" --channels 3 >"$work/out" 2>&1 || code=$?
check
[ $code = 2 ] || fail "--channels without \${channels}: exit code $code, expected 2"
finish
