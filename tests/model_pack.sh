#!/usr/bin/env bash
# A model pack outside the tree: the build is installed into a folder of its own, the pack is copied to another and built there by make with
# pkg-config and by CMake with find_package(Hillock); each trains. Installed beside the other plugins, the pack is found without a name.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
command -v pkg-config >/dev/null || skip "there is no pkg-config"
command -v make >/dev/null || skip "there is no make"
prefix=$work/prefix
chmod go-w "$work"
umask 022
cmake --install "$build_dir" --prefix "$prefix" >"$work/log" 2>&1 || { tail "$work/log"; fail "cmake --install failed"; }
unset HILLOCK_PLUGIN_PATH LD_LIBRARY_PATH
libdir=$(dirname "$(find "$prefix" -name hillock.pc)")/..
export PKG_CONFIG_PATH=$libdir/pkgconfig
check
grep -rq "$source_dir" "$libdir/pkgconfig" "$libdir/cmake" && fail "an installed file names the source tree"

# What is installed works by itself, and where it is moved to.
mv "$prefix" "$work/moved"
prefix=$work/moved
libdir=$(dirname "$(find "$prefix" -name hillock.pc)")/..
export PKG_CONFIG_PATH=$libdir/pkgconfig
"$prefix/bin/hillock" plugins --verbose >"$work/out" 2>&1 || { cat "$work/out"; fail "the installed hillock does not run"; }
check
grep -q "$prefix/.*hillock/plugins/neurons.so" "$work/out" || { cat "$work/out"; fail "the installed hillock does not take its plugins from its prefix"; }
check
grep -q '^refused' "$work/out" && { cat "$work/out"; fail "an installed plugin is refused"; }

trains() { # what, command...
    local what=$1
    shift
    "$@" >"$work/out" 2>&1 || { cat "$work/out"; fail "$what: train_pack failed"; }
    cat "$work/out"
    check
    grep -q 'first parameter fc1.weight' "$work/out" || fail "$what: the first parameter is not fc1.weight"
    check
    grep '^step' "$work/out" | awk 'NR == 1 { first = $4 } { last = $4 } END { exit !(NR == 2 && last < first / 2) }' || fail "$what: the loss does not fall"
}

cp -r "$source_dir/examples/model_pack" "$work/by_make"
(cd "$work/by_make" && make CFLAGS="-O2 -Wall -Wextra -Werror ${PACK_FLAGS:-}") >"$work/log" 2>&1 || { cat "$work/log"; fail "make failed"; }
trains "make" "$work/by_make/train_pack" "$work/by_make/two_layer.so"
check
readelf -d "$work/by_make/two_layer.so" | grep -q 'NEEDED.*hillock' && fail "the pack links to libhillock"

cp -r "$source_dir/examples/model_pack" "$work/by_cmake"
(cmake -S "$work/by_cmake" -B "$work/by_cmake/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="${PACK_FLAGS:-}" && cmake --build "$work/by_cmake/build") >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "cmake failed"; }
trains "cmake" "$work/by_cmake/build/train_pack" "$work/by_cmake/build/two_layer.so"

# Not installed and not named, the pack is not there, and the program says so.
check
code=0
"$work/by_make/train_pack" >"$work/out" 2>&1 || code=$?
if [ "$code" != 2 ] || ! grep -q "'TwoLayer'" "$work/out"; then
    cat "$work/out"
    fail "without the pack: exit code $code, expected 2 and TwoLayer named"
fi
make -C "$work/by_make" install >"$work/log" 2>&1 || { cat "$work/log"; fail "make install failed"; }
trains "installed" "$work/by_make/train_pack"
check
"$prefix/bin/hillock" plugins >"$work/listed"
grep -q TwoLayer "$work/listed" || fail "the installed pack is not listed"

# Another version is refused at configuration.
sed -i 's/Hillock 0.1 /Hillock 9.0 /' "$work/by_cmake/CMakeLists.txt"
check
cmake -S "$work/by_cmake" -B "$work/by_cmake/other" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 && fail "find_package(Hillock 9.0) found $("$prefix/bin/hillock" --version)"
finish
