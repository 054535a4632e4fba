#!/usr/bin/env bash
# The checkpoint after a short training has equal bytes for any block size and any number of threads, and other bytes for another seed.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
# train NAME CONFIG [options]: leaves the path of the checkpoint in $checkpoint.
train() {
    local name=$1 config=$2
    shift 2
    "$hillock" train "$source_dir/examples/$config" --out "$work/$name" --set data.limit=2048 --set train.epochs=1 "$@" >"$work/$name.out" 2>&1 ||
        { cat "$work/$name.out"; fail "$name: hillock train failed"; }
    checkpoint=$(find "$work/$name" -name '*.safetensors' | sort | head -n 1)
    [ -s "$checkpoint" ] || fail "$name: no checkpoint"
}
for config in seq_plain.ini seq_feedback.ini seq_synapse.ini; do
    train "$config" "$config" --threads 1
    reference=$checkpoint
    train "$config-seed" "$config" --threads 1 --set run.seed=12345
    check
    # The end of the file is tensors; the seed itself is in its head.
    ! cmp -s <(tail -c 4096 "$reference") <(tail -c 4096 "$checkpoint") || fail "$config: another seed gives the same numbers"
    for threads in 1 2; do
        for nb in 16 32 -1; do
            train "$config-$threads-$nb" "$config" --threads "$threads" --set "run.nb=$nb"
            check
            cmp "$reference" "$checkpoint" || fail "$config: threads=$threads nb=$nb gives other bytes"
        done
    done
done
finish
