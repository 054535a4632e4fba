#!/usr/bin/env bash
# A run's folder that can't be written: a disk filled to the brim at every page of a checkpoint, one that is read-only, a limit of file sizes, metrics.jsonl on a full
# device, a folder that is removed during the training. Each ends with one clear message and its exit code, the last checkpoint stays, and where there is
# room again the training goes on to the bytes of one that was left alone. The disk is a tmpfs in a mount namespace of its own.
# HILLOCK_DISK_STEP: KiB between two fillings (default 64).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
step=${HILLOCK_DISK_STEP:-64}
train() { "$hillock" train "$source_dir/tests/blobs.ini" --set plugins.path="$build_dir/tests/plugins/blobs.so" --set 'layers.fc1=Linear(8, 1024)' --set 'layers.norm=BatchNorm1d(1024)' \
    --set 'layers.fc2=Linear(1024, 3)' --quiet "$@"; }
run() { # FOLDER [options]: must succeed
    local folder=$1
    shift
    train --out "$folder" "$@" >"$work/out" 2>&1 || { cat "$work/out"; fail "$folder: hillock train failed"; }
}
# refused WHAT CODE TEXT [options]: one message, with the text in it.
refused() {
    local what=$1 want=$2 text=$3 code=0
    shift 3
    train "$@" >"$work/out" 2>&1 || code=$?
    check
    [ $code = "$want" ] || { cat "$work/out"; fail "$what: exit code $code, expected $want"; }
    grep -E -- "^hillock: .*$text" "$work/out" >/dev/null || { cat "$work/out"; fail "$what: the message lacks '$text'"; }
    [ "$(grep -c '^hillock:' "$work/out")" = 1 ] || { cat "$work/out"; fail "$what: more than one message"; }
}
sums() { (cd "$1" && sha256sum checkpoint_latest.safetensors checkpoint_max.safetensors); }
two=(--set train.epochs=2 --set checkpoint.every_steps=16 --resume auto)

if [ "${1:-}" = inside ]; then # the part in the namespace: on a disk of 2 MiB at $2
    work=$2
    trap - EXIT
    disk=$work/disk
    mkdir -p "$disk"
    mount -t tmpfs -o size=2m tmpfs "$disk" 2>"$work/why" || { echo "skip: $(cat "$work/why")"; exit 77; }
    full=0 room=0
    run "$disk/run" --set train.epochs=1
    cp -r "$disk/run" "$work/first"
    kib=$(($(stat -c %s "$disk/run/checkpoint_latest.safetensors") / 1024))
    run "$work/whole" "${two[@]}"
    for free in $(seq 0 "$step" $((3 * kib))); do
        rm -rf "$disk/run"
        cp -r "$work/first" "$disk/run"
        before=$(cd "$disk/run" && sha256sum checkpoint_latest.safetensors)
        dd if=/dev/zero of="$disk/filler" bs=4k status=none 2>/dev/null || true # to the brim
        truncate -s -"$((free * 1024 < $(stat -c %s "$disk/filler") ? free * 1024 : $(stat -c %s "$disk/filler")))" "$disk/filler"
        code=0
        train --out "$disk/run" "${two[@]}" >"$work/out" 2>&1 || code=$?
        check
        if [ $code = 0 ]; then
            room=$((room + 1))
            [ "$(sums "$work/whole")" = "$(sums "$disk/run")" ] || fail "$free KiB free: it went on, and ends with other bytes"
        else
            full=$((full + 1))
            [ $code = 1 ] || { cat "$work/out"; fail "$free KiB free: exit code $code, expected 1"; }
            grep -E "^hillock: .*$disk/run.*No space left on device" "$work/out" >/dev/null || { cat "$work/out"; fail "$free KiB free: the message does not name the disk"; }
            [ "$(grep -c '^hillock:' "$work/out")" = 1 ] || { cat "$work/out"; fail "$free KiB free: more than one message"; }
            [ -z "$(find "$disk/run" -name '*.tmp')" ] || fail "$free KiB free: a temporary file is left"
            # The newest is whole: what it was, or one that this process had the room for.
            now=$(cd "$disk/run" && sha256sum checkpoint_latest.safetensors)
            [ "$before" = "$now" ] || (cd "$disk/run" && [ "$before" = "$(sed 's/previous/latest/' < <(sha256sum checkpoint_previous.safetensors))" ]) ||
                fail "$free KiB free: the checkpoint before it is gone"
            rm "$disk/filler"
            run "$disk/run" "${two[@]}"
            [ "$(sums "$work/whole")" = "$(sums "$disk/run")" ] || fail "$free KiB free: after there was room again, the run ends with other bytes"
        fi
        rm -f "$disk/filler"
    done
    [ $((full * room)) -gt 0 ] || fail "the disk was full $full times and had room $room times; expected both"
    mount -o remount,ro "$disk"
    refused "a disk that is read-only" 1 "$disk/run/\.lock cannot be opened: Read-only file system" --out "$disk/run" "${two[@]}"
    refused "a new folder on a disk that is read-only" 1 "folder $disk/new cannot be made: Read-only file system" --out "$disk/new"
    umount "$disk"
    echo "count: disks_filled $full"
    echo "full disk: $full times full, $room times with room enough"
    finish
    exit 0
fi

# A limit of file sizes (in 1024 bytes): the checkpoint does not fit, metrics and run.json do.
run "$work/run" --set train.epochs=1
before=$(sums "$work/run")
(ulimit -f 40; refused "a file size limit" 1 "checkpoint_latest.safetensors: cannot (make room for it|write): File too large" --out "$work/run" "${two[@]}") || exit 1
check
[ "$before" = "$(sums "$work/run")" ] || fail "a file size limit: the checkpoint before it is gone"
[ -z "$(find "$work/run" -name '*.tmp')" ] || fail "a file size limit: a temporary file is left"

# metrics.jsonl that can't be written: no checkpoint says more than it does.
if [ -w /dev/full ]; then
    mkdir "$work/metrics"
    ln -s /dev/full "$work/metrics/metrics.jsonl"
    refused "metrics.jsonl on a full device" 1 "metrics.jsonl cannot be written: No space left on device" --out "$work/metrics" --set train.epochs=1
    check
    [ ! -e "$work/metrics/checkpoint_latest.safetensors" ] || fail "a checkpoint without its lines in metrics.jsonl"
fi
mkdir "$work/folder" "$work/folder/metrics.jsonl"
refused "metrics.jsonl that is a folder" 1 "metrics.jsonl cannot be written: Is a directory" --out "$work/folder"
: >"$work/file"
refused "a folder that is a file" 1 "folder $work/file cannot be made: Not a directory" --out "$work/file"

# A folder that is removed during the training.
"$hillock" train "$source_dir/tests/blobs.ini" --set plugins.path="$build_dir/tests/plugins/blobs.so" --quiet --out "$work/gone" --set train.epochs=100000 --set checkpoint.every_epochs=1 >"$work/out" 2>&1 &
pid=$!
until [ -e "$work/gone/checkpoint_latest.safetensors" ]; do kill -0 $pid 2>/dev/null || break; sleep 0.01; done
mv "$work/gone" "$work/elsewhere"
code=0
wait $pid || code=$?
check
[ $code = 1 ] || { cat "$work/out"; fail "a folder that is gone: exit code $code, expected 1"; }
grep -E "^hillock: .*$work/gone/.*No such file or directory" "$work/out" || { cat "$work/out"; fail "a folder that is gone: no clear message"; }
check
"$hillock" eval "$source_dir/tests/blobs.ini" --set plugins.path="$build_dir/tests/plugins/blobs.so" --quiet --checkpoint "$work/elsewhere/checkpoint_latest.safetensors" >"$work/out" 2>&1 ||
    { cat "$work/out"; fail "a folder that is gone: its checkpoint is damaged"; }

# The disk. Root mounts one; others may, where user namespaces are allowed.
as=(unshare --mount)
[ "$(id -u)" = 0 ] || as=(unshare --user --map-root-user --mount)
code=0
if "${as[@]}" true 2>"$work/why"; then "${as[@]}" bash "${BASH_SOURCE[0]}" inside "$work" || code=$?
else
    code=77
    echo "skip: $(cat "$work/why")"
fi
if [ $code = 77 ]; then echo "the part with a full disk was left out: nobody may mount one here"
elif [ $code != 0 ]; then exit 1; fi
finish
