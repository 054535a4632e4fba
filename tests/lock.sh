#!/usr/bin/env bash
# One trainer at a time in a run's folder: a second one is refused by the first one's process and host, whatever way it names the folder and whether or not it resumes;
# a killed trainer's lock is gone with it, what is written in it does not matter; of several that start at once one trains.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
train=(train "$source_dir/tests/blobs.ini" --set plugins.path="$build_dir/tests/plugins/blobs.so" --quiet)
# busy FOLDER: a trainer that does not end by itself; its number is in $pid.
busy() {
    "$hillock" "${train[@]}" --set train.epochs=1000000 --set checkpoint.every_epochs=1 --out "$1" >"$work/busy.out" 2>&1 &
    pid=$!
    until [ -e "$1/checkpoint_latest.safetensors" ]; do kill -0 $pid 2>/dev/null || { cat "$work/busy.out"; fail "the first trainer ended"; }; sleep 0.01; done
}
trap 'kill -9 $pid 2>/dev/null || true; rm -rf "$work" "${shm:-}"' EXIT
pid=0
refused() { # [options]
    local code=0
    "$hillock" "${train[@]}" "$@" >"$work/out" 2>&1 || code=$?
    check
    [ $code = 1 ] || { cat "$work/out"; fail "$*: exit code $code, expected 1"; }
    grep "where process $pid on $(uname -n) trains" "$work/out" >/dev/null || { cat "$work/out"; fail "$*: the message does not name process $pid"; }
}

folders=("$work/run")
if [ -d /dev/shm ] && shm=$(mktemp -d -p /dev/shm 2>/dev/null); then folders+=("$shm/run"); else echo "there is no /dev/shm to try"; fi
for folder in "${folders[@]}"; do
    busy "$folder"
    refused --out "$folder"
    refused --out "$folder" --resume auto
    refused --out "$folder" --resume "$folder/checkpoint_previous.safetensors"
    ln -s "$folder" "$work/link"
    refused --out "$work/link" --resume auto
    rm "$work/link"
    (cd "$folder" && refused --out . --resume auto) || exit 1
    kill -0 $pid || fail "the first trainer ended when others were refused"
    # eval may read while it trains.
    "$hillock" eval "${train[@]:1:3}" --quiet --checkpoint "$folder/checkpoint_latest.safetensors" >"$work/out" 2>&1 || { cat "$work/out"; fail "eval beside a trainer"; }
    kill -9 $pid
    wait $pid 2>/dev/null || true
    echo "1 on another machine" >"$folder/.lock"
    check
    epochs=$(sed -n 's/^{"epoch": \([0-9]*\),.*/\1/p' "$folder/metrics.jsonl" | tail -n 1)
    "$hillock" "${train[@]}" --set train.epochs=$((epochs + 1)) --out "$folder" --resume auto >"$work/out" 2>&1 || { cat "$work/out"; fail "a killed trainer's folder cannot be gone on with"; }
done

for i in $(seq 5); do
    codes=""
    pids=()
    for k in 1 2 3; do
        "$hillock" "${train[@]}" --out "$work/race$i" >"$work/out$k" 2>&1 &
        pids+=($!)
    done
    for k in 0 1 2; do
        code=0
        wait "${pids[$k]}" || code=$?
        codes+="$code "
    done
    check # those that come too late find its checkpoints (2)
    case $codes in
        0\ [12]\ [12]\  | [12]\ 0\ [12]\  | [12]\ [12]\ 0\ ) ;;
        *) cat "$work"/out?; fail "of three trainers that start at once, the exit codes are $codes" ;;
    esac
done
finish
