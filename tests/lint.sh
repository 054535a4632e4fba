#!/usr/bin/env bash
# `hillock lint`: every plugin of the build passes it, and every file of tests/lint_bad, a plugin with one thing wrong, is found, at the level and by the check that
# its head names.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
chmod go-w "$work"
cc=${CC:-cc}

for so in "$build_dir"/lib/hillock/plugins/*.so; do
    case $so in */backend_*) continue ;; esac # ref and fence are for tests, cpu is what the others are run on
    check
    with=()
    case $so in */csnn.so) with=(--with "CSNN(channels=2)" --shape "1,28,28") ;; esac
    code=0
    "$hillock" lint "$so" "${with[@]}" >"$work/out" 2>&1 || code=$?
    [ "$code" = 0 ] || { cat "$work/out"; fail "hillock lint $(basename "$so"): exit code $code"; }
    check
    grep -qE ' [1-9][0-9]* things compared: 0 fail' "$work/out" || { cat "$work/out"; fail "$(basename "$so"): nothing was compared"; }
done

for source in "$source_dir"/tests/lint_bad/*.c; do
    name=$(basename "$source" .c)
    expect=$(sed -n 's/^ \* expect: \(.*\) \*\/$/\1/p' "$source")
    read -r level at text <<<"$expect"
    "$cc" -std=gnu11 -O2 -shared -fPIC -fvisibility=hidden -I"$source_dir/include" "$source" -o "$work/$name.so" -lm || fail "$name does not compile"
    chmod go-w "$work/$name.so"
    code=0
    timeout 120 "$hillock" lint "$work/$name.so" >"$work/out" 2>&1 || code=$?
    check
    grep -E "^$level +${at%:} " "$work/out" >"$work/lines" || true
    grep -qF -- "$text" "$work/lines" || { cat "$work/out"; fail "$name: expected '$expect'"; }
    want=4
    [ "$level" = fail ] || want=0
    check
    [ "$code" = "$want" ] || { cat "$work/out"; fail "$name: exit code $code, expected $want"; }
    if [ "$level" = warn ]; then
        code=0
        "$hillock" lint --strict "$work/$name.so" >"$work/out" 2>&1 || code=$?
        check
        [ "$code" = 4 ] || fail "$name: exit code $code with --strict, expected 4"
    fi
done

"$hillock" lint "$work/label.so" --json >"$work/json" || true
check
"$build_dir/tests/hillock-json-flat" <"$work/json" >"$work/flat" || fail "lint --json is not JSON: $(cat "$work/json")"
check
grep -q '^findings.0.level=fail' "$work/flat" || { cat "$work/flat"; fail "lint --json has no finding"; }
finish
