#!/usr/bin/env bash
# A loop over time is one operation: the plan of a recurrent network has as many lines for T = 280 as for T = 28, and the linear layer
# before the loop is folded over time: it has T * N rows.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
# The columns of a picture are 28 steps and no more; a Poisson encoder gives any T.
sed -E 's/^([^=]*= *)ColumnAsTime\(\).*/\1Sequential(Poisson(), Flatten())/; s/Linear\(28, *32/Linear(784, 32/' "$source_dir/examples/seq_feedback.ini" >"$work/plan.ini"
for layer in 'Poisson()' 'Linear(784, 32'; do
    grep -qF "$layer" "$work/plan.ini" || { cat "$work/plan.ini"; fail "seq_feedback.ini has other layers than this test expects"; }
done
batch=256
for T in 28 280; do
    "$hillock" plan "$work/plan.ini" --set "model.T=$T" --set "train.batch=$batch" >"$work/plan.$T" 2>&1 || { cat "$work/plan.$T"; fail "hillock plan failed for T = $T"; }
    check
    first=$(grep -m 1 -w linear "$work/plan.$T" || true)
    grep -qw "$((T * batch))" <<<"$first" ||
        { cat "$work/plan.$T"; fail "the first linear operation does not have $((T * batch)) rows"; }
done
check
[ "$(wc -l <"$work/plan.28")" = "$(wc -l <"$work/plan.280")" ] || { diff "$work/plan.28" "$work/plan.280"; fail "the number of lines depends on T"; }
cat "$work/plan.28"
finish
