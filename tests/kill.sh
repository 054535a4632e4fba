#!/usr/bin/env bash
# kill -9 at random moments of a training of about two seconds; each is taken up until it is done and must end with the bytes of an
# uninterrupted run, and each epoch and step once in metrics.jsonl. Every third kill waits for the next checkpoint that is being written, so that
# a fifth of all hit one. HILLOCK_KILLS: how many (20); HILLOCK_SEED repeats the moments.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
kills=${HILLOCK_KILLS:-20}
seed=${HILLOCK_SEED:-$$}
RANDOM=$seed
# Which moments a seed gives is the same everywhere, what they hit is not.
train() {
    exec "$hillock" train "$source_dir/examples/seq_plain.ini" --quiet --set data.limit=8192 --set data.test_limit=1000 --set train.epochs=8 --set run.log_every=1 \
        --set checkpoint.every_steps=2 "$@"
}
(train --out "$work/whole") || fail "the uninterrupted run failed"
sums() { (cd "$1" && sha256sum checkpoint_latest.safetensors checkpoint_max.safetensors); }
lines() { sed -E 's/, "img_per_s": [^}]*//' "$1/metrics.jsonl"; }
want=$(sums "$work/whole")
t0=$(date +%s%N)
(train --out "$work/timed")
took=$((($(date +%s%N) - t0) / 1000000))
[ "$want" = "$(sums "$work/timed")" ] || fail "two equal runs end with other bytes"

writing=0 nothing=0 done_before=0 resumes=0
for i in $(seq "$kills"); do
    run=$work/run
    rm -rf "$run"
    mkdir "$run"
    killed=0
    for _ in $(seq 20); do
        train --out "$run" --resume auto >"$work/out" 2>&1 &
        pid=$!
        if [ $killed = 0 ]; then
            ms=$(((RANDOM * 32768 + RANDOM) % took))
            sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
            [ $((i % 3)) != 0 ] || until compgen -G "$run/.checkpoint_*.tmp" >/dev/null; do kill -0 $pid 2>/dev/null || break; done
            kill -9 $pid 2>/dev/null || true
        fi
        code=0
        wait $pid 2>/dev/null || code=$?
        [ $code = 0 ] && break
        [ $code = 137 ] || { cat "$work/out"; fail "kill $i (seed $seed): exit code $code"; }
        killed=1
        resumes=$((resumes + 1))
        [ -z "$(find "$run" -name '.checkpoint_*.tmp')" ] || writing=$((writing + 1))
        [ -e "$run/checkpoint_latest.safetensors" ] || nothing=$((nothing + 1))
    done
    [ $killed = 1 ] || done_before=$((done_before + 1))
    check
    [ "$want" = "$(sums "$run")" ] || fail "kill $i (seed $seed, after $ms ms): the run ends with other bytes"
    diff <(lines "$work/whole") <(lines "$run") >"$work/diff" || { cat "$work/diff"; fail "kill $i (seed $seed, after $ms ms): metrics.jsonl differs"; }
    [ -z "$(find "$run" -name '*.tmp')" ] || fail "kill $i: a temporary file is left at the end"
done
echo "$kills kills in a training of $took ms (seed $seed): $kills ended with the same bytes; $writing hit a checkpoint being written," \
    "$nothing restarted from nothing, $done_before came after the end"
echo "count: kills $kills"
echo "count: kills_while_a_checkpoint_was_written $writing"
echo "count: kills_before_the_first_checkpoint $nothing"
[ "$kills" -lt 20 ] || [ $((writing * 5)) -ge "$kills" ] || fail "fewer than a fifth of the kills hit a checkpoint being written"
[ $((done_before * 2)) -lt "$kills" ] || fail "too few kills hit the training"
finish
