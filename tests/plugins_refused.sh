#!/usr/bin/env bash
# The command and the plugins of tests/plugins_bad/: naming one is an error, exit code 4, with the file and the reason, and no half
# listing; finding one in a folder is no error: `hillock plugins` lists it as refused, and an unknown type's message mentions it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
unset HILLOCK_PLUGIN_PATH
bad_dir=$build_dir/tests/plugins_bad
good=$bad_dir/good/good.so
config=$source_dir/examples/seq_plain.ini

for file in "$bad_dir"/*.so; do
    code=0
    "$hillock" plugins --path "$good:$file" >"$work/out" 2>"$work/err" || code=$?
    check
    [ "$code" = 4 ] || fail "$file: exit code $code, expected 4: $(cat "$work/out" "$work/err")"
    check
    grep -qF "hillock: plugin '$file': " "$work/err" || fail "$file is not named: $(cat "$work/err")"
    check
    [ ! -s "$work/out" ] || fail "$file: a listing beside the error: $(head -3 "$work/out")"
done
[ "$n_checks" -ge 120 ] || fail "only $n_checks checks"

"$hillock" plugins --path "$bad_dir/good:$bad_dir" >"$work/out" 2>"$work/err" || fail "found plugins are an error: $(cat "$work/err")"
check
for type in Good After Linear; do grep -q "^  $type " "$work/out" || fail "$type is not listed"; done
for file in "$bad_dir"/*.so; do
    check
    grep -qF "  $file: " "$work/out" || fail "$file is not listed as refused"
done
check
! grep -q '^  Bad_' "$work/out" || fail "a bad type is listed: $(grep '^  Bad_' "$work/out")"

# In a configuration: named, and found but asked for.
code=0
"$hillock" plan "$config" --set plugins.path="$bad_dir/other_major.so" >"$work/out" 2>"$work/err" || code=$?
check
[ "$code" = 4 ] || fail "[plugins] path: exit code $code, expected 4: $(cat "$work/err")"
check
grep -q "path.*other_major.so.*another plugin ABI" "$work/err" || fail "[plugins] path: $(cat "$work/err")"
mkdir "$work/one"
cp "$bad_dir/other_major.so" "$work/one/"
code=0
"$hillock" plan "$config" --set plugins.path="$work/one" --set train.loss='Bad_other_major()' >"$work/out" 2>"$work/err" || code=$?
check
[ "$code" = 2 ] || fail "an unknown type: exit code $code, expected 2: $(cat "$work/err")"
check
grep -q "'Bad_other_major'.*refused: 'other_major.so' (it was built for another plugin ABI" "$work/err" || fail "an unknown type: $(cat "$work/err")"
"$hillock" plan "$config" --set plugins.path="$work/one" >"$work/out" 2>"$work/err" || fail "a refused file that nobody needs is an error: $(cat "$work/err")"
check
grep -q "warning.*other_major.so' is refused" "$work/err" || fail "no warning about it: $(cat "$work/err")"
finish
