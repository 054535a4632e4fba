#!/usr/bin/env bash
# hillock doctor: what it prints as text and as JSON agrees, a refused plugin, a missing data set and a second OpenMP runtime are found,
# and the exit code and the last line say so. Nothing here depends on what this machine is like.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
unset HILLOCK_PLUGIN_PATH
flat=$build_dir/tests/hillock-json-flat
bad_dir=$build_dir/tests/plugins_bad

# doctor CODE ARGS...: runs it twice; $work/text, $work/json (a leaf a line), $work/err.
doctor() {
    local expected=$1 code=0
    shift
    "$hillock" doctor "$@" >"$work/text" 2>"$work/err" || code=$?
    check
    [ "$code" = "$expected" ] || fail "doctor $*: exit code $code, expected $expected: $(cat "$work/text" "$work/err")"
    code=0
    "$hillock" doctor --json "$@" >"$work/json.raw" 2>"$work/err" || code=$?
    check
    [ "$code" = "$expected" ] || fail "doctor --json $*: exit code $code, expected $expected"
    "$flat" <"$work/json.raw" >"$work/json" || fail "doctor --json $*: no JSON"
    check
    [ "$(grep -c '^rows\..*\.finding=problem$' "$work/json")" = "$(sed -n 's/^problems=//p' "$work/json")" ] || fail "problems do not add up: $(cat "$work/json")"
}
# row JSON-KEY TEXT: a row with this key contains the text; prints its finding.
row() {
    local at
    while read -r at; do
        if grep -F "$at.text=" "$work/json" | grep -F -- "$2" >/dev/null; then sed -n "s/^$at\.finding=//p" "$work/json"; return; fi
    done < <(sed -n "s|^\(rows\.[0-9]*\)\.key=$1\$|\1|p" "$work/json")
    fail "no row '$1' with '$2': $(grep -F "$1" -A2 "$work/json")"
}
expect() { # FINDING KEY TEXT
    local got
    got=$(row "$2" "$3") || { echo "$got"; exit 1; }
    check
    [ "$got" = "$1" ] || fail "row '$2': expected $1, got $got"
}

doctor 0
check
[ "$(tail -n 1 "$work/text")" = "no problem found" ] || fail "last line: $(tail -n 1 "$work/text")"
for key in model CPUs caches instructions bf16 threads OpenMP BLAS cpu ref FashionMNIST; do
    check
    grep -q "^[ !] $key  *[^ ]" "$work/text" || fail "no row '$key': $(cat "$work/text")"
    check
    grep -q "^rows\.[0-9]*\.key=$key\$" "$work/json" || fail "--json has no row '$key'"
done
expect ok "$build_dir/lib/hillock/plugins" "loaded, 0 refused"
expect ok cpu "a layer, forward and backward, against ref: differs by "
expect ok cpu "a training step with neurons, "
expect ok OpenMP "libgomp"

# Every row of the text stands in the JSON and the other way round.
check
[ "$(grep -c '^[ !] ' "$work/text")" = "$(grep -c '^rows\.[0-9]*\.key=' "$work/json")" ] || fail "text and JSON differ in rows"

# A refused plugin: found, then named; its folder stands in the order of the search.
mkdir "$work/plugins"
cp "$bad_dir/other_major.so" "$bad_dir/good/good.so" "$work/plugins/"
doctor 1 --path "$work/plugins"
expect problem "$work/plugins/other_major.so" "built for another plugin ABI"
expect ok "$work/plugins" "(the configured path) 1 loaded, 1 refused"
check
[ "$(tail -n 1 "$work/text")" = "1 problem" ] || fail "last line: $(tail -n 1 "$work/text")"
check
[ "$(grep -nF "$work/plugins " "$work/text" | head -n 1 | cut -d: -f1)" -lt "$(grep -nF "$build_dir/lib/hillock/plugins " "$work/text" | cut -d: -f1)" ] ||
    fail "the search order is not kept"
doctor 1 --path "$bad_dir/unresolved.so"
expect problem "$bad_dir/unresolved.so" "undefined symbol"
HILLOCK_PLUGIN_PATH=$work/plugins doctor 1
expect ok "$work/plugins" "(\$HILLOCK_PLUGIN_PATH) 1 loaded, 1 refused"
doctor 1 --path "$work/plugins:/nowhere/at/all"
expect problem /nowhere/at/all "No such file"

# A plugin that somebody replaced by an earlier one of the path is no problem.
mkdir "$work/first"
cp "$bad_dir/good/good.so" "$work/first/"
rm "$work/plugins/other_major.so"
doctor 0 --path "$work/first:$work/plugins"
expect note "$work/plugins/good.so" "was found before"

# A configuration: its data set must be there, its backend too, its cap is used.
config=$source_dir/examples/seq_plain.ini
doctor 1 "$config" --set "data.name=FashionMNIST(root=\"$work\")" --set run.max_isa=baseline --set run.threads=1
expect problem '\[data\] name' "install the Debian package dataset-fashion-mnist"
expect ok instructions "used: baseline"
expect ok threads "1 by [run] threads"
doctor 1 "$config" --set backend.name=abacus --set "data.name=FashionMNIST(root=\"$work\")"
expect problem abacus "[backend] name asks for it"

# A second OpenMP runtime in the process; its name is what counts.
echo 'int hk_test_nothing(void) { return 0; }' >"$work/nothing.c"
"${CC:-cc}" -shared -fPIC -Wl,-soname,libiomp5.so -o "$work/libiomp5.so" "$work/nothing.c"
LD_PRELOAD=$work/libiomp5.so doctor 1
expect problem OpenMP "is a second runtime"

code=0
"$hillock" doctor one two >"$work/text" 2>"$work/err" || code=$?
check
[ "$code" = 2 ] || fail "two arguments: exit code $code, expected 2"
finish
