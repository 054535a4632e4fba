#!/usr/bin/env bash
# The checkpoint after a short training on fence has the bytes of the one trained on cpu; the plan says what ran.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
[ -z "${HILLOCK_TEST_BACKEND:-}" ] || fail "this test names its backends itself; HILLOCK_TEST_BACKEND must not be set"
compare() {
    local config=$1
    shift
    for backend in cpu fence; do
        "$hillock" train "$source_dir/examples/$config" --out "$work/$config-$backend" --plan --set train.epochs=1 --set data.test_limit=256 --set "backend.name=$backend" "$@" \
            >"$work/out.$backend" 2>&1 || { cat "$work/out.$backend"; fail "$config on $backend: hillock train failed"; }
        check
        grep -q "\"backend\": \"$backend\"" "$work/$config-$backend/run.json" || fail "$config: run.json does not name $backend"
    done
    check
    cmp "$work/$config-cpu/checkpoint_latest.safetensors" "$work/$config-fence/checkpoint_latest.safetensors" || fail "$config: fence gives other bytes than cpu"
    # The same plans, but for the names of the implementations.
    lines=$(grep -c ' fence: ' "$work/out.fence" || true)
    check
    [ "$lines" -gt 10 ] || { cat "$work/out.fence"; fail "$config: only $lines operations of the plan on fence say so"; }
    check
    ! grep ' fence: ' "$work/out.cpu" || fail "$config: the plan on cpu names fence"
    echo "$config: $(stat -c %s "$work/$config-fence/checkpoint_latest.safetensors") equal bytes, $lines operations on fence"
}
compare seq_plain.ini --set data.limit=2048
compare seq_feedback.ini --set data.limit=2048
compare fmnist_csnn.ini --set data.limit=256 --set train.batch=64 --set model.channels=4

# Where there are no addresses, it says so and leaves nothing.
code=0
(ulimit -v 16000000 && exec "$hillock" train "$source_dir/examples/seq_plain.ini" --out "$work/none" --set backend.name=fence) >"$work/out" 2>&1 || code=$?
check
[ "$code" = 1 ] || { cat "$work/out"; fail "with a limit on addresses: exit code $code, expected 1"; }
check
grep -q "name.*backend 'fence' cannot be used here: .*ulimit -v" "$work/out" || { cat "$work/out"; fail "the message does not say what to do"; }
check
[ ! -e "$work/none" ] || fail "a refused training left a folder"
finish
