#!/usr/bin/env bash
# Damaged checkpoints: each of 50 flipped bytes is seen (exit code 5); auto goes on from the generation before, loudly, and ends with the
# same bytes; two trainers do not share a folder; leftovers of killed trainers are removed; eval and export read what was written.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
config=$source_dir/examples/seq_plain.ini
small=(--set data.limit=4096 --set data.test_limit=500 --set train.epochs=2)
train() { "$hillock" train "$config" "${small[@]}" "$@" >"$work/out" 2>&1; }
code_of() { code=0; "$@" || code=$?; }
train --out "$work/whole" --set checkpoint.every_steps=9 || { cat "$work/out"; fail "hillock train failed"; }
latest=$work/whole/checkpoint_latest.safetensors
previous=$work/whole/checkpoint_previous.safetensors
size=$(stat -c %s "$latest")

# flip FROM TO OFFSET: one bit of one byte is another.
flip() {
    cp "$1" "$2"
    local byte
    byte=$(od -An -tu1 -j "$3" -N 1 "$1" | tr -d ' ')
    printf "\\x$(printf %02x $((byte ^ (1 << (RANDOM % 8)))))" | dd of="$2" bs=1 seek="$3" conv=notrunc status=none
}
seed=${HILLOCK_SEED:-$$}
RANDOM=$seed
echo "seed $seed, $size bytes"
for i in $(seq 50); do
    offset=$(((RANDOM * 32768 + RANDOM) % size))
    flip "$latest" "$work/flipped.safetensors" $offset
    code_of train --resume "$work/flipped.safetensors"
    check
    [ $code = 5 ] || { cat "$work/out"; fail "flip $i at byte $offset: exit code $code, expected 5"; }
done
sed 's/^/  last message: /' "$work/out"

# The generation before.
cp -r "$work/whole" "$work/damaged"
flip "$latest" "$work/damaged/checkpoint_latest.safetensors" $((size - 100))
code_of train --out "$work/damaged" --resume auto
check
[ $code = 0 ] || { cat "$work/out"; fail "no fallback: exit code $code"; }
grep 'WARNING' "$work/out" || fail "the fallback is silent"
check
cmp "$latest" "$work/damaged/checkpoint_latest.safetensors" || fail "after a fallback the run ends with other bytes"
cmp "$previous" "$work/damaged/checkpoint_previous.safetensors" || fail "the damaged checkpoint took the place of the whole one"
# None is whole.
flip "$latest" "$work/damaged/checkpoint_latest.safetensors" 200
head -c 1000 "$previous" >"$work/damaged/checkpoint_previous.safetensors"
before=$(sha256sum "$work"/damaged/*)
code_of train --out "$work/damaged" --resume auto
check
[ $code = 5 ] || { cat "$work/out"; fail "no whole generation: exit code $code, expected 5"; }
[ "$before" = "$(sha256sum "$work"/damaged/*)" ] || fail "a refused resume changed the folder"

# One trainer at a time; leftovers go.
mkdir "$work/busy"
: >"$work/busy/.checkpoint_latest.safetensors.1.0.tmp"
"$hillock" train "$config" --out "$work/busy" --set train.epochs=1000 --quiet >"$work/busy.out" 2>&1 &
pid=$!
until [ -s "$work/busy/metrics.jsonl" ] || [ -e "$work/busy/run.json" ]; do kill -0 $pid 2>/dev/null || break; sleep 0.01; done
code_of train --out "$work/busy" --resume auto
check
[ $code = 1 ] || { cat "$work/out"; fail "a second trainer: exit code $code, expected 1"; }
grep -q "process $pid on $(uname -n) trains" "$work/out" || { cat "$work/out"; fail "the refusal does not name process $pid"; }
check
[ ! -e "$work/busy/.checkpoint_latest.safetensors.1.0.tmp" ] || fail "a leftover was not removed"
kill -TERM $pid
code_of wait $pid
check
[ $code = 75 ] || fail "SIGTERM: exit code $code, expected 75"

# eval says what the training said; export keeps the model alone.
said=$(grep -v '"step"' "$work/whole/metrics.jsonl" | tail -n 1 | sed -n 's/.*"test_loss": \([^,]*\), "test_acc": \([^,]*\),.*/\1 \2/p')
eval_file() { "$hillock" eval "$config" --set data.test_limit=500 --json --checkpoint "$1" >"$work/out" 2>&1; }
"$hillock" export weights --checkpoint "$latest" --out "$work/weights.safetensors" >/dev/null || fail "export failed"
for file in "$latest" "$work/weights.safetensors"; do
    code_of eval_file "$file"
    check
    got=$(sed -n 's/.*"test_loss": \([^,]*\), "test_acc": \([^,]*\),.*/\1 \2/p' "$work/out")
    [ "$code $got" = "0 $said" ] || { cat "$work/out"; fail "eval $file: got '$got', training said '$said'"; }
done
check
! grep -qa 'hk\.optim' "$work/weights.safetensors" || fail "export wrote optimizer state"
code_of eval_file "$work/flipped.safetensors"
[ $code = 5 ] || fail "eval of a damaged file: exit code $code, expected 5"
code_of "$hillock" eval "$source_dir/examples/seq_synapse.ini" --checkpoint "$latest" >"$work/out" 2>&1
check
[ $code = 5 ] || fail "eval with another network: exit code $code, expected 5"
grep 'missing in the file: ' "$work/out" | grep 'not in the network: ' >/dev/null || { cat "$work/out"; fail "eval does not list names"; }
code_of "$hillock" export weights --checkpoint "$latest" --out "$latest" >"$work/out" 2>&1
[ $code = 2 ] || fail "export over its own input: exit code $code, expected 2"
finish
