#!/usr/bin/env bash
# `hillock export weights CONFIG.ini --fuse-conv-bn`: the same network without its batch normalisations, its convolutions with a bias, has the test loss
# and accuracy of the one that was trained; and what is wrong is said.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
config=$source_dir/examples/fmnist_csnn.ini
small=(--set data.test_limit=200 --set model.channels=4 --set model.T=2)
"$hillock" train "$config" "${small[@]}" --set data.limit=256 --set train.epochs=1 --out "$work/run" >"$work/out" 2>&1 || { cat "$work/out"; fail "hillock train failed"; }
"$hillock" export weights "$work/run/config.ini" --fuse-conv-bn --checkpoint "$work/run/checkpoint_latest.safetensors" --out "$work/fused.safetensors" >"$work/out" 2>&1 ||
    { cat "$work/out"; fail "hillock export failed"; }
cat "$work/out"
check
[ "$(grep -c ' takes in ' "$work/out")" = 2 ] || fail "expected two pairs"
grep -vE '^conv_fc\.[15] ' "$config" | sed -E 's/(^conv_fc\.[04] .*)bias=false/\1bias=true/' | sed -e "s/^channels = .*/channels = 4/" -e "s/^T = .*/T = 2/" >"$work/plain.ini"
"$hillock" eval "$config" "${small[@]}" --checkpoint "$work/run/checkpoint_latest.safetensors" --json >"$work/with" 2>&1 || { cat "$work/with"; fail "eval failed"; }
"$hillock" eval "$work/plain.ini" "${small[@]}" --checkpoint "$work/fused.safetensors" --json >"$work/without" 2>&1 || { cat "$work/without"; fail "eval of the fused weights failed"; }
check
cmp "$work/with" "$work/without" || { cat "$work/with" "$work/without"; fail "loss or accuracy differ"; }

# refused EXIT TEXT ARGUMENTS...
refused() {
    local want=$1 text=$2 code=0
    shift 2
    "$hillock" export "$@" >"$work/out" 2>&1 || code=$?
    check
    [ "$code" = "$want" ] || { cat "$work/out"; fail "export $*: exit code $code, expected $want"; }
    grep -F "$text" "$work/out" >/dev/null || { cat "$work/out"; fail "export $*: expected '$text'"; }
}
refused 2 "expected 'weights', CONFIG.ini" weights --fuse-conv-bn --checkpoint "$work/fused.safetensors" --out "$work/x"
refused 2 "nothing to fuse" weights "$work/plain.ini" --fuse-conv-bn --checkpoint "$work/fused.safetensors" --out "$work/x"
refused 5 "does not fit the network" weights "$config" --fuse-conv-bn --checkpoint "$work/fused.safetensors" --out "$work/x"
refused 2 "got the same" weights "$work/run/config.ini" --fuse-conv-bn --checkpoint "$work/run/checkpoint_latest.safetensors" --out "$work/run/checkpoint_latest.safetensors"
check
[ ! -e "$work/x" ] || fail "a file was written by a command that failed"
finish
