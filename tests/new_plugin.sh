#!/usr/bin/env bash
# The kit for plugins, from an installed Hillock in a folder of its own: `hillock new-plugin` makes a project of each kind, which builds without a warning and passes
# its own test, with make and with CMake; `hillock plugin build` compiles one file. What is wrong is said, and nothing is left behind.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
command -v pkg-config >/dev/null || skip "there is no pkg-config"
command -v make >/dev/null || skip "there is no make"
prefix=$work/prefix
chmod go-w "$work"
umask 022
cmake --install "$build_dir" --prefix "$prefix" >"$work/log" 2>&1 || { tail "$work/log"; fail "cmake --install failed"; }
unset HILLOCK_PLUGIN_PATH LD_LIBRARY_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name hillock.pc)")
export PKG_CONFIG_PATH
hillock=$prefix/bin/hillock
cd "$work"

"$hillock" new-plugin --help >help || fail "new-plugin --help: exit code $?"
kinds=$(sed -n '/^kinds:/,$s/^  \([a-z]*\) .*/\1/p' help)
check
[ "$(wc -w <<<"$kinds")" -ge 11 ] || fail "expected at least 11 kinds, got: $kinds"

for kind in $kinds; do
    name=own_$kind
    "$hillock" new-plugin "$kind" "$name" >out || { cat out; fail "new-plugin $kind: exit code $?"; }
    check
    if grep -rn '@[A-Za-z]*@' "$name"; then fail "$kind: a placeholder was left"; fi
    make -C "$name" CFLAGS="-O2 -Wall -Wextra -Werror" >log 2>&1 || { cat log; fail "$kind: make failed"; }
    make -C "$name" CFLAGS="-O2 -Wall -Wextra -Werror" check >log 2>&1 || { cat log; fail "$kind: make check failed"; }
    check
    grep -q '^[1-9][0-9]* numbers compared, 0 differ$' log || { cat log; fail "$kind: its test compared nothing"; }
    check
    readelf -d "$name/$name.so" | grep -q 'NEEDED.*hillock' && fail "$kind: the plugin links to libhillock"
    "$hillock" plugins --path "$name/$name.so" >listed || fail "$kind: hillock plugins: exit code $?"
    check
    grep -q " $name\$" listed || fail "$kind: the plugin brings no type"
done

(cmake -S own_neuron -B own_neuron/build -DCMAKE_PREFIX_PATH="$prefix" && cmake --build own_neuron/build && ctest --test-dir own_neuron/build --output-on-failure) >log 2>&1 ||
    { cat log; fail "the project does not build and pass with CMake"; }

refused() { # expected exit code, expected text, command...
    local want=$1 text=$2 code=0
    shift 2
    "$@" >out 2>&1 || code=$?
    check
    if [ "$code" != "$want" ] || ! grep -qF -- "$text" out; then
        cat out
        fail "$*: exit code $code, expected $want and '$text'"
    fi
}
refused 2 "did you mean 'neuron'?" "$hillock" new-plugin neurom x
refused 2 "expected a letter from a to z" "$hillock" new-plugin neuron 1x
refused 2 "expected a letter from a to z" "$hillock" new-plugin neuron ../x
refused 2 "type 'Rect'" "$hillock" new-plugin surrogate rect
refused 2 "expected KIND NAME" "$hillock" new-plugin neuron
refused 2 "own_neuron is there already" "$hillock" new-plugin neuron own_neuron
refused 1 "nowhere/x" "$hillock" new-plugin neuron x --out nowhere/x
check
left=$(find . -maxdepth 1 -name 'x*' -o -maxdepth 1 -name '*.??????')
[ -z "$left" ] || fail "something was left behind: $left"

cp own_neuron/own_neuron.c one.c
"$hillock" plugin build one.c >out || { cat out; fail "plugin build: exit code $?"; }
check
grep -q "hk.neuron/1 'OwnNeuron'" out || { cat out; fail "plugin build does not say what the plugin brings"; }
before=$(sha256sum one.so)
sed -i 's/HK_PLUGIN(.*//' one.c
refused 4 "expected the symbol hk_plugin" "$hillock" plugin build one.c
echo 'int x = ;' >one.c
refused 4 "does not compile" "$hillock" plugin build one.c
check
[ "$before" = "$(sha256sum one.so)" ] || fail "a file that fails replaced the plugin"
refused 2 "ends in .c" "$hillock" plugin build one.so
refused 1 "absent.c" "$hillock" plugin build absent.c
refused 2 "CC names another" env CC=/no/such/compiler "$hillock" plugin build one.c
check
[ "$(find . -maxdepth 1 -name 'one.so*' | wc -l)" = 1 ] || fail "plugin build left files: $(ls)"
finish
