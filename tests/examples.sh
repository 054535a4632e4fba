#!/usr/bin/env bash
# The example programs run and print what they promise.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bin=$build_dir/bin

# The recurrent tutorial: x = [1.5, 0, 0, ...], T = 8, an IF with soft reset that hears its own output: a spike at each step.
"$bin/recurrent_tutorial" >"$work/out" 2>&1 || { cat "$work/out"; fail "recurrent_tutorial exited with an error"; }
cat "$work/out"
check
grep -q 'IF' "$work/out" || fail "recurrent_tutorial does not print the network"
check
[ "$(grep -cE '^t *= *[0-9]+' "$work/out")" = 8 ] || fail "recurrent_tutorial does not print eight steps"
check
[ "$(grep -E '^t *= *[0-9]+' "$work/out" | grep -cE '(^|[^0-9.])1(\.0*)?$')" = 8 ] || fail "recurrent_tutorial does not print eight spikes"

# The manual loop: loss falls, a gradient is shown.
"$bin/manual_loop" >"$work/out" 2>&1 || { cat "$work/out"; fail "manual_loop exited with an error"; }
cat "$work/out"
check
grep -q 'loss' "$work/out" || fail "manual_loop prints no loss"
check
grep -q 'grad' "$work/out" || fail "manual_loop prints no gradient"

# A neuron of the program's own: as in plain C at each step, and it learns.
"$bin/own_neuron" >"$work/out" 2>&1 || { cat "$work/out"; fail "own_neuron exited with an error"; }
cat "$work/out"
check
[ "$(grep -c '^t = ' "$work/out")" = 8 ] || fail "own_neuron does not print eight steps"
check
grep '^t = ' "$work/out" | awk '{ if ($9 != $18) bad = 1; d = $12 - $21; if (d < -1e-5 || d > 1e-5) bad = 1; n += $9 } END { exit bad || n < 2 || n > 6 }' ||
    fail "own_neuron: spikes or potentials are not those of plain C"
check
grep '^step' "$work/out" | awk 'NR == 1 { first = $4 } { last = $4; right = $6 } END { exit !(NR == 4 && last < first / 2 && right == "16/16") }' ||
    fail "own_neuron does not learn"

# A long sequence in parts: the same spikes, less memory.
"$bin/long_sequence" >"$work/out" 2>&1 || { cat "$work/out"; fail "long_sequence exited with an error"; }
cat "$work/out"
check
grep -E '^[1-9][0-9]* spikes of 2000 x 16 x 10, 0 differ' "$work/out" >/dev/null || fail "long_sequence: parts give other spikes, or none"
finish
