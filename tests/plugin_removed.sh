#!/usr/bin/env bash
# Without neurons.so its types are gone and nothing else is; a network that asks for one fails with an error that names what is there.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ -e "$build_dir/lib/hillock/plugins/neurons.so" ] || fail "the build has no neurons.so"
mkdir "$work/lib"
cp -a "$build_dir/lib/." "$work/lib/"
rm "$work/lib/hillock/plugins/neurons.so"
chmod -R go-w "$work"
unset HILLOCK_PLUGIN_PATH

all=$("$build_dir/tests/hillock-types" | sort)
export LD_LIBRARY_PATH=$work/lib
libraries=$(ldd "$hillock")
grep -q "$work/lib/libhillock" <<<"$libraries" || fail "the command does not take libhillock from LD_LIBRARY_PATH"
left=$("$build_dir/tests/hillock-types" | sort)

# Exactly the types that came from the removed plugin are gone.
gone=$(comm -23 <(echo "$all") <(echo "$left"))
new=$(comm -13 <(echo "$all") <(echo "$left"))
check
[ -z "$new" ] || fail "types appeared: $new"
check
grep -q '^hk\.neuron/1 IF ' <<<"$gone" || fail "IF is still there"
check
[ "$(awk '{ print $3 }' <<<"$gone" | sort -u | wc -l)" = 1 ] || fail "types of more than one plugin are gone: $gone"
plugin=$(awk 'NR == 1 { print $3 }' <<<"$gone")
check
! grep -q -- " $plugin\$" <<<"$left" || fail "types of $plugin are left"

"$hillock" plugins >"$work/plugins" 2>&1 || fail "hillock plugins failed: $(cat "$work/plugins")"
check
grep -qw Linear "$work/plugins" || fail "hillock plugins does not list Linear"
check
! grep -qw ParametricLIF "$work/plugins" || fail "hillock plugins lists a type of the removed file"

code=0
"$hillock" train "$source_dir/examples/seq_plain.ini" --out "$work/run" >"$work/out" 2>&1 || code=$?
cat "$work/out"
check
[ "$code" = 2 ] || [ "$code" = 4 ] || fail "exit code $code, expected 2 or 4"
check
grep -q "'IF'" "$work/out" || fail "the error does not name 'IF'"
check
grep -qw Linear "$work/out" || fail "the error does not say what is there"
finish
