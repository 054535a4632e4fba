#!/usr/bin/env bash
# [learners] in an ini: a rule moves its parameter, the rest learns by the loss; what is wrong there is named, with exit code 2.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
cat >"$work/stdp.ini" <<'INI'
[data]
name = FashionMNIST()
limit = 512
test_limit = 100

[model]
T = 4

[layers]
0 = Flatten()
fc = Linear(784, 20, bias=false)
sn = LIF(surrogate=ATan())
out = Linear(20, 10)

[learners]
fc.weight = STDP(sn="sn", tau_pre=2.0, tau_post=2.0, clamp=[-1, 1])

[train]
batch = 64
epochs = 1
lr = 0.0001
loss = CrossEntropy()
optimizer = SGD()
INI
sed '/^\[learners\]/,/^$/d' "$work/stdp.ini" >"$work/plain.ini"
for name in stdp plain; do
    "$hillock" train "$work/$name.ini" --out "$work/$name" >"$work/out" 2>&1 || { cat "$work/out"; fail "training $name.ini failed"; }
done
check
grep -q '^fc.weight = STDP' "$work/stdp/config.ini" || fail "the run's config.ini does not have the learner"
check
! cmp -s "$work/stdp/checkpoint_latest.safetensors" "$work/plain/checkpoint_latest.safetensors" || fail "the learner changes nothing"
"$hillock" plan "$work/stdp.ini" >"$work/plan" 2>&1 || { cat "$work/plan"; fail "hillock plan failed"; }
check
grep -Eq 'forward +linear_dw +fc\.weight' "$work/plan" || { cat "$work/plan"; fail "the plan has no product of the learner"; }
check
! grep -Eq 'backward +linear_dw +fc ' "$work/plan" || fail "the plan has a backward product of fc too"
check
"$hillock" plugins >"$work/listed"
grep -q '^  STDP ' "$work/listed" || fail "hillock plugins does not list STDP"

wrong() { # assignment, text that the error must have
    local code=0
    "$hillock" plan "$work/plain.ini" --set "$1" >"$work/out" 2>&1 || code=$?
    check
    [ "$code" = 2 ] || { cat "$work/out"; fail "--set $1: exit code $code, expected 2"; }
    check
    grep -q -- "$2" "$work/out" || { cat "$work/out"; fail "--set $1: the error does not say '$2'"; }
}
wrong 'learners.fc.wieght=STDP(sn="sn", tau_pre=2, tau_post=2)' "did you mean 'fc.weight'"
wrong 'learners.fc.weight=STPD(sn="sn", tau_pre=2, tau_post=2)' "did you mean 'STDP'"
wrong 'learners.fc.weight=STDP(sn="ns", tau_pre=2, tau_post=2)' 'ns:y'
wrong 'learners.fc.weight=STDP(sn="sn", tau_post=2)' 'tau_pre'

# A run goes on with its own learners alone.
code=0
"$hillock" train "$work/plain.ini" --out "$work/stdp" --resume auto --set train.epochs=2 >"$work/out" 2>&1 || code=$?
check
if [ "$code" != 2 ] || ! grep -q 'learners' "$work/out"; then
    cat "$work/out"
    fail "resuming without the learner: exit code $code, expected 2 and [learners] named"
fi
finish
