#!/usr/bin/env bash
# report.html: at the end of a run, of one that was stopped too; every section; no reference to another file; names are escaped; hillock report makes the same page anew.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
run="$work/a <b> & \"c\""
train() { "$hillock" train "$source_dir/examples/seq_plain.ini" --quiet --set data.limit=2048 --set data.test_limit=500 --set train.epochs=2 "$@"; }
train --out "$run" || fail "train failed"
page=$run/report.html
for id in curves rates confusion samples network times machine config; do
    check
    grep -q "<section id=\"$id\">" "$page" || fail "there is no section $id"
done
check
! grep -E '(src|href)="[^d#]|url\(|@import|<script' "$page" || fail "the page refers to something outside of it"
grep -q 'a &lt;b&gt; &amp; &quot;c&quot;' "$page" || fail "the name is not escaped"
grep -q 'Ankle boot' "$page" || fail "the classes have no names"
[ "$(grep -o 'data:image/png;base64,iVBORw0KGgo' "$page" | wc -l)" -ge 13 ] || fail "there are fewer than 13 pictures"
# The numbers are those of metrics.jsonl, and the matrix counts every sample once.
acc=$(sed -n 's/.*"test_acc": \([^,]*\).*/\1/p' "$run/metrics.jsonl" | tail -n 1)
grep -q "$(awk -v a="$acc" 'BEGIN { printf "%.2f", 100 * a }')" "$page" || fail "the test accuracy $acc is not there"
sed -n '/"confusion"/,/\]\]/p' "$run/report.json" | tr -c '0-9\n' ' ' | awk 'NF { r++; for (i = 1; i <= NF; i++) { sum += $i; if (i == r) hit += $i } } END { print sum, hit }' >"$work/sums"
[ "$(cat "$work/sums")" = "500 $(awk -v a="$acc" 'BEGIN { printf "%.0f", 500 * a }')" ] || { cat "$work/sums"; fail "the matrix does not add up to 500 samples with accuracy $acc"; }

check
"$hillock" report "$run" --out "$work/anew.html" >/dev/null || fail "hillock report failed"
cmp "$page" "$work/anew.html" || fail "the page made anew is another one"
rm "$run/report.json" # a run of an older version
"$hillock" report "$run" --out "$work/less.html" >/dev/null || fail "hillock report failed without report.json"
grep -q '<section id="curves">' "$work/less.html" || fail "no curves without report.json"

check
train --out "$work/none" --set run.report=off || fail "train failed"
[ ! -e "$work/none/report.html" ] || fail "there is a report though [run] report = off"
code=0
"$hillock" report "$work/nothing" >"$work/out" 2>&1 || code=$?
[ "$code" = 1 ] && grep -q 'expected the folder of a run' "$work/out" || { cat "$work/out"; fail "expected exit code 1, got $code"; }
finish
