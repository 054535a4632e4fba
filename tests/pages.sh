#!/usr/bin/env bash
# The pages with listings, word by word: every block of shell behind <!-- run this --> is run in order, in an empty folder, with an installed Hillock on
# the PATH and nothing else of the build. An error ends it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
command -v pkg-config >/dev/null || skip "there is no pkg-config"
command -v make >/dev/null || skip "there is no make"
need_data
chmod go-w "$work"
umask 022
cmake --install "$build_dir" --prefix "$work/prefix" >"$work/log" 2>&1 || { tail "$work/log"; fail "cmake --install failed"; }
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name hillock.pc)")
pages=$(grep -l '^<!-- run this -->$' "$source_dir"/docs/*.md)

for page in $pages; do
    name=$(basename "$page" .md)
    mkdir "$work/$name"
    awk '/^<!-- run this -->$/ { wait = 1; next } wait && /^```sh$/ { on = 1; wait = 0; next } /^```$/ { on = 0; next } on' "$page" >"$work/$name.sh"
    check
    [ -s "$work/$name.sh" ] || fail "$name has no blocks to run"
    if grep -q 'import numpy' "$work/$name.sh" && ! python3 -c 'import numpy' 2>/dev/null; then
        echo "$name: left out, python3 has no numpy"
        continue
    fi
    code=0
    (cd "$work/$name" && env -i PATH="$work/prefix/bin:/usr/local/bin:/usr/bin:/bin" HOME="$work" PKG_CONFIG_PATH="$PKG_CONFIG_PATH" CC="${CC:-cc}" OMP_NUM_THREADS=2 \
        bash -euo pipefail "$work/$name.sh") >"$work/$name.out" 2>&1 || code=$?
    check
    [ "$code" = 0 ] || { cat "$work/$name.out"; fail "$page: exit code $code"; }
    if grep -q 'hillock new-plugin' "$work/$name.sh"; then
        check
        grep -q ' 0 fail' "$work/$name.out" || { cat "$work/$name.out"; fail "$page: lint did not pass"; }
    fi
    if [ "$name" = first_neuron ]; then
        for text in 'Adaptive: the derivative by rho' 'lint ends with exit code 4' 'neuron mine train'; do
            check
            grep -qF "$text" "$work/$name.out" || { cat "$work/$name.out"; fail "$page: expected '$text'"; }
        done
    fi
done
finish
