#!/usr/bin/env bash
# What is installed works by itself: from its own folder, after the folder was moved, without the source, the build and the environment;
# it is small, has every type of the build, and no path of the machine it was built on.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
limit=$((10 * 1000 * 1000))
cmake --install "$build_dir" --prefix "$work/first" --strip >"$work/log" || fail "cmake --install: $(cat "$work/log")"
chmod -R go-w "$work/first"
mv "$work/first" "$work/prefix"
prefix=$(realpath "$work/prefix")
run() { env -i PATH=/usr/bin:/bin HOME="$work" "$prefix/bin/hillock" "$@"; }

bytes=$(find "$prefix" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
check
[ "$bytes" -lt "$limit" ] || fail "the installed tree has $bytes bytes, expected less than $limit"

while read -r file; do
    check
    ! grep -qaF -e "$source_dir/" -e "$build_dir/" "$file" || fail "$file holds a path of the build: $(strings "$file" | grep -F -e "$source_dir/" -e "$build_dir/" | head -3)"
done < <(find "$prefix" -type f)

cd "$work"
libraries=$(ldd "$prefix/bin/hillock")
check
grep -qF "=> $prefix/" <<<"$libraries" || fail "the command does not take libhillock from its own tree: $libraries"
run plugins >"$work/installed" || fail "hillock plugins: exit code $?"
env -u HILLOCK_PLUGIN_PATH "$hillock" plugins >"$work/built"
check
diff "$work/built" "$work/installed" || fail "the installed tree has other types than the build"
run doctor >"$work/doctor" || fail "hillock doctor: exit code $?: $(cat "$work/doctor")"
check
grep -q "^  $prefix/.*/hillock/plugins (beside libhillock) [1-9][0-9]* loaded, 0 refused" "$work/doctor" || fail "plugins come from elsewhere: $(cat "$work/doctor")"
run bench seq-plain --print-config >"$work/config" || fail "hillock bench does not find its ini: exit code $?"
check
grep -q '^\[layers\]' "$work/config" || fail "hillock bench --print-config: $(cat "$work/config")"

# A program and a plugin against the installed headers alone.
printf '#include <hillock/hillock.h>\nint main(void) { hk_context *c; return hk_context_new(0, &c) || !hk_type_get(c, "hk.module/1", "Linear"); }\n' >"$work/program.c"
library=$(dirname "$(find "$prefix" -name libhillock.so)")
"${CC:-cc}" -I"$prefix/include" "$work/program.c" -L"$library" -Wl,-rpath,"$library" -lhillock -o "$work/program" || fail "a program does not link"
check
env -i "$work/program" || fail "a program does not find the plugins: exit code $?"
"${CC:-cc}" -shared -fPIC -I"$prefix/include" "$source_dir/tests/abi_samples/stripes.c" -o "$work/stripes.so" || fail "a plugin does not compile"
chmod go-w "$work/stripes.so"
run plugins --path "$work/stripes.so" >"$work/with" || fail "a plugin built with the installed headers: exit code $?"
check
grep -q '^  abi.Stripes ' "$work/with" || fail "a plugin built with the installed headers is not listed"

if [ -e /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz ]; then
    run train "$source_dir/examples/seq_plain.ini" --out "$work/run" --quiet --threads 1 --set data.limit=512 --set data.test_limit=200 --set train.epochs=1 \
        --set run.log_every=0 || fail "hillock train: exit code $?"
    check
    [ -s "$work/run/checkpoint_latest.safetensors" ] || fail "no checkpoint"
    # The Trainer, extended by a program and by what is installed beside it.
    "${CC:-cc}" "$source_dir/examples/adamax.c" -I"$prefix/include" -L"$library" -Wl,-rpath,"$library" -lhillock -o "$work/adamax" || fail "adamax.c does not compile"
    check
    env -i "$work/adamax" "$source_dir/examples/seq_plain.ini" --threads 1 --set data.limit=512 --set data.test_limit=200 --set train.epochs=1 \
        --set hooks.load=early_stop --patience 2 >"$work/adamax.out" || fail "adamax with early_stop: exit code $?"
    grep -q '^epoch 1/1 ' "$work/adamax.out" || fail "adamax: expected the line of epoch 1/1, got $(cat "$work/adamax.out")"
else
    echo "no training here: the Debian package dataset-fashion-mnist is not installed"
fi
echo "$bytes bytes in $(find "$prefix" -type f | wc -l) files"
finish
