#!/usr/bin/env bash
# TensorBoard's own reader finds in a run's event files what metrics.jsonl says: scalars, histograms, pictures; also when the run was stopped, its file cut
# inside a record, and taken up again: each step is there once. HILLOCK_PYTHON names a Python with tensorboard.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
python=${HILLOCK_PYTHON:-python3}
command -v "$python" >/dev/null || skip "no $python; HILLOCK_PYTHON can name a Python with tensorboard"
"$python" -c 'import tensorboard' 2>"$work/import" || skip "$python: $(tail -n 1 "$work/import"); HILLOCK_PYTHON can name a Python with tensorboard"
cat >"$work/read.py" <<'PY'
import sys
import struct, zlib
from tensorboard.backend.event_processing import event_accumulator as ea

acc = ea.EventAccumulator(sys.argv[1], size_guidance={ea.SCALARS: 0, ea.IMAGES: 0, ea.HISTOGRAMS: 0, ea.TENSORS: 0})
acc.Reload()
tags = acc.Tags()
for tag in tags["scalars"]:
    events = acc.Scalars(tag)
    print("scalar", tag, " ".join(f"{e.step}:{e.value:.7g}" for e in events))
for tag in tags["histograms"]:
    for e in acc.Histograms(tag):
        h = e.histogram_value
        if abs(sum(h.bucket) - h.num) > 0.5 or len(h.bucket) != len(h.bucket_limit) or list(h.bucket_limit) != sorted(h.bucket_limit):
            sys.exit(f"{tag}: buckets do not add up")
        if not h.min <= h.sum / h.num <= h.max:
            sys.exit(f"{tag}: mean {h.sum / h.num} is outside of {h.min} .. {h.max}")
        print("histogram", tag, e.step, int(h.num), f"{h.min:.6g}", f"{h.max:.6g}")
for tag in tags["images"]:
    for e in acc.Images(tag):
        png = e.encoded_image_string
        if png[:8] != b"\x89PNG\r\n\x1a\n":
            sys.exit(f"{tag}: no PNG")
        w, h = struct.unpack(">II", png[16:24])
        at, data = 8, b""
        while at < len(png):
            n, kind = struct.unpack(">I4s", png[at:at + 8])
            if zlib.crc32(png[at + 4:at + 8 + n]) != struct.unpack(">I", png[at + 8 + n:at + 12 + n])[0]:
                sys.exit(f"{tag}: wrong CRC in the PNG")
            if kind == b"IDAT":
                data += png[at + 8:at + 8 + n]
            at += 12 + n
        rows = zlib.decompress(data)
        if (w, h) != (e.width, e.height) or len(rows) not in (h * (w + 1), h * (3 * w + 1)):
            sys.exit(f"{tag}: a PNG of {w} x {h} in an image of {e.width} x {e.height}")
        print("image", tag, e.step, w, h)
PY
train() { "$hillock" train "$source_dir/examples/seq_plain.ini" --quiet --set data.limit=2048 --set data.test_limit=300 --set run.log_every=1 --set run.tensorboard=on "$@" || fail "train failed"; }
read_events() { "$python" -W ignore "$work/read.py" "$1"/tb/* >"$1.tb" 2>"$1.err" || { cat "$1.tb" "$1.err"; fail "TensorBoard's reader failed"; }; }
# same NAME TAG KEY [PATTERN]: the steps and numbers of a tag are those of a key in metrics.jsonl.
same() {
    check
    grep "\"$3\"" "$work/$1/metrics.jsonl" | grep "${4:-time}" | sed "s/.*\"$3\": \([^,}]*\).*/\1/" >"$work/want"
    sed -n "s|^scalar $2 ||p" "$work/$1.tb" | tr ' ' '\n' | sed 's/.*://' >"$work/got"
    paste "$work/want" "$work/got" | awk 'NF != 2 || ($1 - $2) ^ 2 > 1e-12 * $1 ^ 2 { exit 1 }' || { paste "$work/want" "$work/got"; fail "$1: $2 is not $3"; }
}
all() {
    read_events "$work/$1"
    same "$1" loss/train train_loss && same "$1" loss/test test_loss && same "$1" accuracy/test test_acc && same "$1" accuracy_top5/train train_acc5
    same "$1" loss/step train_loss '"step"' && same "$1" speed/train_img_per_s img_per_s && same "$1" firing_rate/net.1 net.1
}
train --out "$work/whole" --set train.epochs=4
all whole
for line in 'histogram weights/net.0.weight 8 896 ' 'histogram gradients/net.2.bias 32 10 ' 'histogram neuron_rates/net.1 32 32 ' 'image samples/right 32 ' 'image samples/wrong 8 '; do
    check
    grep -q "^$line" "$work/whole.tb" || { cat "$work/whole.tb"; fail "there is no '$line'"; }
done

# Stopped after step 20 of 32 as a kill would: the checkpoint knows 20 steps, the event file more, and it ends inside a record.
train --out "$work/cut" --set train.epochs=4 --set checkpoint.every_steps=20
mv "$work/cut/checkpoint_previous.safetensors" "$work/cut/checkpoint_latest.safetensors"
truncate -s -100 "$work"/cut/tb/*/events.*
train --out "$work/cut" --set train.epochs=4 --resume auto
[ "$(find "$work/cut/tb" -name 'events.*' | wc -l)" = 2 ] || fail "expected two event files"
all cut
check
diff <(sed -n 's/^scalar loss/loss/p' "$work/whole.tb") <(sed -n 's/^scalar loss/loss/p' "$work/cut.tb") || fail "the run taken up has other losses"
diff <(grep '^histogram weights' "$work/whole.tb") <(grep '^histogram weights' "$work/cut.tb") || fail "the run taken up has other weights"
finish
