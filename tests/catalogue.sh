#!/usr/bin/env bash
# docs/catalogue is what `hillock catalogue` writes now (figures may differ by the version of cairo), every type stands on one of its pages, and every figure that a page
# shows is there and is a picture. A folder that cannot be written is an error.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ -e "$build_dir/lib/libhillock_plot.so" ] || skip "figures were left out of this build: cairo was not found"
unset HILLOCK_PLUGIN_PATH
"$hillock" catalogue --out "$work/pages" >"$work/out" || { cat "$work/out"; fail "hillock catalogue: exit code $?"; }
for page in "$work"/pages/*.md; do
    check
    diff -u "$source_dir/docs/catalogue/$(basename "$page")" "$page" >"$work/diff" || { head -30 "$work/diff"; fail "docs/catalogue is not what the types say: hillock catalogue --out docs/catalogue"; }
    while read -r figure; do
        check
        for folder in "$work/pages" "$source_dir/docs/catalogue"; do
            [ "$(head -c 4 "$folder/$figure" | tail -c 3)" = PNG ] || fail "$folder/$figure is no picture"
        done
    done < <(sed -n 's/^!\[.*](\(.*\))$/\1/p' "$page")
done
grep -h '^## ' "$work"/pages/*.md | cut -c4- | sort >"$work/on_pages"
"$hillock" plugins | sed -n 's/^  \([^ ]*\) .*/\1/p' | sort >"$work/all"
check
diff "$work/all" "$work/on_pages" || fail "types and pages differ"
for kind in neurons surrogates schedulers; do
    check
    [ "$(find "$work/pages/figures" -name "${kind}_*.png" | wc -l)" -ge 8 ] || fail "expected figures of $kind, got $(find "$work/pages/figures" -name "${kind}_*.png" | wc -l)"
done
code=0
"$hillock" catalogue --out "$work/none/at/all" 2>"$work/err" || code=$?
check
[ "$code" = 1 ] || fail "a folder that cannot be made: exit code $code, expected 1: $(cat "$work/err")"
finish
