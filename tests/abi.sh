#!/usr/bin/env bash
# The border to plugins: (1) what the preprocessor makes of hillock/plugin.h is what abi/print.txt says, so that no change of it
# happens unnoticed; (2) plugins built with the kept headers of abi/, by a plain compiler call, load in this host, train, and give the
# same numbers as when they are built with today's headers.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cc=${CC:-cc}
unset HILLOCK_PLUGIN_PATH

check
"$source_dir/scripts/abi.sh" --print >"$work/print" || fail "scripts/abi.sh --print"
if ! diff "$source_dir/abi/print.txt" "$work/print"; then
    cat <<'TEXT'
The text of hillock/plugin.h, or of a header that it includes, is not the one in abi/print.txt (< kept, > now). If that was meant:
  - only append: members at the end of a struct, enumerators behind the last; nothing moves, goes, or changes its meaning or type;
    a change of meaning is a new interface name (hk.neuron/2);
  - 'layout' changed: include/hillock/print.h names the last member of each struct; while the version is 0.x all plugins must be rebuilt;
  - 'layout' did not change although a struct did: print.h does not know its new last member;
  - plugins can tell the difference: HK_ABI_MINOR of hillock/plugin.h is raised;
then run: scripts/abi.sh --refresh
TEXT
    fail "abi/print.txt is out of date"
fi

# The hash sees what it should, and only that.
mkdir "$work/changed"
cp -r "$source_dir/include/hillock" "$work/changed/"
text() { "$source_dir/scripts/abi.sh" --print "$work/changed" | grep '^text'; }
before=$(text)
echo '/* a comment */' >>"$work/changed/hillock/neuron.h"
check
[ "$(text)" = "$before" ] || fail "a comment changes the hash"
sed -i 's/HK_MAX_RANK 6/HK_MAX_RANK 7/' "$work/changed/hillock/plugin.h"
check
[ "$(text)" != "$before" ] || fail "a macro's value does not change the hash"

build_samples() { # INCLUDE FOLDER
    mkdir -p "$2"
    local sample
    for sample in "$source_dir"/tests/abi_samples/*.c; do
        "$cc" -shared -fPIC -I"$1" -o "$2/$(basename "$sample" .c).so" "$sample" || fail "$sample does not compile with $1"
    done
    chmod -R go-w "$2"
}
# PLUGINS RUN: trains and prints what must not depend on the headers.
train() { # PLUGINS OUT
    "$hillock" train "$source_dir/tests/abi_samples/samples.ini" --threads 1 --set plugins.path="$1" --out "$2" --quiet || fail "plugins of $1 do not train"
    sha256sum <"$2/checkpoint_latest.safetensors"
}
jobs=()
build_samples "$source_dir/include" "$work/now" & jobs+=($!)
for folder in "$source_dir"/abi/*/; do
    build_samples "$folder" "$work/$(basename "$folder")" & jobs+=($!)
done
for job in "${jobs[@]}"; do wait "$job" || fail "samples do not compile"; done
now=$(train "$work/now" "$work/run-now")
accuracy=$(tail -n 1 "$work/run-now/metrics.jsonl" | grep -o '"test_acc": *[0-9.]*' | grep -o '[0-9.]*$')
check
awk "BEGIN { exit !($accuracy > 0.9) }" || fail "the samples learn nothing: accuracy $accuracy, expected more than 0.9"

kept=0
for folder in "$source_dir"/abi/*/; do
    version=$(basename "$folder")
    "$hillock" plugins --verbose --path "$work/$version" >"$work/list" 2>&1 || fail "abi/$version: $(cat "$work/list")"
    for plugin in leaky gain stripes; do
        check
        grep -qF "plugin abi.$plugin 1.0 ($work/$version/$plugin.so)" "$work/list" ||
            fail "abi/$version: $plugin.so is not loaded: $(grep -F "$plugin.so" "$work/list"); if a struct changed while the version is 0.x, run: scripts/abi.sh --refresh"
    done
    then=$(train "$work/$version" "$work/run-$version")
    check
    [ "$then" = "$now" ] || fail "abi/$version: the samples train to another checkpoint than with today's headers"
    kept=$((kept + 1))
done
[ "$kept" -gt 0 ] || fail "abi/ keeps no headers"
echo "plugins built with the headers of $kept version(s) load and train, accuracy $accuracy"
finish
