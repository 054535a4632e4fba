#!/usr/bin/env bash
# Installs what is missing, builds, trains the convolutional spiking network on real Fashion-MNIST, shows its accuracy and
# some classified pictures.
# Usage: scripts/demo.sh [options for `hillock train`, such as --set train.epochs=5]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
config=$root/examples/fmnist_csnn.ini
settings=(--set model.channels=16 --set train.epochs=3) # of this demo; the command line comes after them
out=$root/runs/demo

"$root/scripts/setup.sh"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "building into $root/build ..."
if ! (cd "$root" && cmake --preset release && cmake --build --preset release) >"$log" 2>&1; then
    grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Creating|Generating)' "$log" >&2
    echo "demo.sh: the build failed" >&2
    exit 1
fi

echo "training ${config#"$root"/} on Fashion-MNIST"
rm -rf "$out"
mkdir -p "$out"
"$root/build/bin/hillock" train "$config" --out "$out" "${settings[@]}" "$@"

# The network as it is now, by the settings of this run: accuracy on the test data, and what it makes of the first pictures.
echo
"$root/build/bin/hillock" eval "$out/config.ini" --checkpoint "$out/checkpoint_latest.safetensors" --show 12

# The last epoch's line of metrics.jsonl, key by key.
number() { grep '"epoch"' "$out/metrics.jsonl" | grep '"test_acc"' | tail -n 1 | sed -n "s/.*\"$1\": *\([-+0-9.eE]*\).*/\1/p"; }
epoch=$(number epoch)
train_acc=$(number train_acc)
test_acc=$(number test_acc)
speed=$(number img_per_s)
awk -v e="$epoch" -v a="$train_acc" -v b="$test_acc" -v s="$speed" \
    'BEGIN { printf "\nlast epoch (%s): train accuracy %.2f %%, test accuracy %.2f %%, %.0f images/s\n", e, 100 * a, 100 * b, s }'
echo "everything about this run is in ${out#"$root"/}"
