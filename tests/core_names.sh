#!/usr/bin/env bash
# No file under core/ names a neuron, layer, container, encoder, loss or surrogate: none of their registry ids occurs there as a whole
# word, case-sensitive. (Operation names such as linear are core's own.) A public header may not name one either, except in comments.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$build_dir/tests/hillock-types" >"$work/types"
awk '$1 ~ /^hk\.(neuron|module|surrogate)\// { print $2 }' "$work/types" | sort -u >"$work/ids"
[ -s "$work/ids" ] || fail "no neuron, layer or surrogate is registered"
for needed in IF Linear ATan; do
    grep -qx -- "$needed" "$work/ids" || fail "$needed is not registered: is a plugin missing?"
done
bad=0
while read -r id; do
    check
    quoted=$(sed 's/[.[\*^$+?(){}|]/\\&/g' <<<"$id")
    if grep -rnE --include='*.[ch]' "(^|[^A-Za-z0-9_])$quoted([^A-Za-z0-9_]|\$)" "$source_dir/core"; then
        echo "FAIL: core/ names '$id'"
        bad=1
    fi
done <"$work/ids"
[ "$bad" = 0 ] || exit 1
finish
