#!/usr/bin/env bash
# hillock eval --show N: N pictures with the right classes; what the captions say is what is counted; plain text where there is no terminal;
# nothing wider than the line; wrong values are refused.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
config=$source_dir/examples/seq_plain.ini
"$hillock" train "$config" --out "$work/run" --quiet --set data.limit=8192 --set train.epochs=1 --set data.test_limit=500 || fail "hillock train failed"
evaluate() { "$hillock" eval "$config" --checkpoint "$work/run/checkpoint_latest.safetensors" "$@"; }
right() { sed -n 's/.*(\([0-9]*\) of [0-9]* right).*/\1/p' "$1"; }
# captions FILE: "TRUE;PREDICTED;RATE;MARK" for each picture, from the two lines below each row of pictures, in cells of 18 and a gap of 2.
captions() {
    awk '
        function cell(line, k) { return substr(line, 20 * k + 1, 18) }
        function trim(s) { sub(/^ */, "", s); sub(/ *$/, "", s); return s }
        /[0-9]\.[0-9][0-9]$/ && length(above) && !/acc/ {
            for (k = 0; 20 * k < length($0); k++) {
                said = cell($0, k)
                print trim(substr(cell(above, k), 3)) ";" trim(substr(said, 3, 11)) ";" trim(substr(said, 14)) ";" substr(said, 1, 1)
            }
        }
        { above = $0 }
    ' "$1"
}

names=("T-shirt/top" Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag "Ankle boot")
mapfile -t labels < <(gzip -dc /usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz | od -An -tu1 -v -w1 -j 8 -N 64)
for n in 1 12 64; do
    # Over batches that do not fit n, and many that do.
    for batch in 256 7; do
        evaluate --set data.test_limit=100 --set train.test_batch=$batch --show $n >"$work/shown" || fail "--show $n failed"
        captions "$work/shown" >"$work/captions"
        check
        [ "$(wc -l <"$work/captions")" = $n ] || { cat "$work/shown"; fail "--show $n: $(wc -l <"$work/captions") captions"; }
        for ((i = 0; i < n; i++)); do echo "${names[labels[i]]}"; done >"$work/classes"
        diff <(cut -d';' -f1 "$work/captions") "$work/classes" || fail "--show $n: other classes than the file's labels"
        # Marks, the line above the pictures, and an evaluation of these pictures alone.
        check
        same=$(awk -F';' '$1 == $2' "$work/captions" | wc -l)
        awk -F';' '($1 == $2) == ($4 == "x") || $3 < 0 || $3 > 1 { print "wrong caption: " $0; bad = 1 } END { exit bad }' "$work/captions" || fail "--show $n: marks"
        said=$(sed -n "s/^\([0-9]*\) of the first $n pictures.*/\1/p" "$work/shown")
        evaluate --set data.test_limit=$n >"$work/alone"
        [ "$same $said" = "$(right "$work/alone") $same" ] || { cat "$work/shown" "$work/alone"; fail "--show $n: $same captions agree, the header says $said, eval says $(right "$work/alone")"; }
        check
        [ "$(right "$work/shown")" = "$(evaluate --set data.test_limit=100 | sed -n 's/.*(\([0-9]*\) of.*/\1/p')" ] || fail "--show changes what is counted"
        check
        ! LC_ALL=C grep -q '[^ -~]' "$work/shown" || fail "--show $n: bytes beyond ASCII where there is no terminal"
        awk 'length > 80 { exit 1 }' "$work/shown" || fail "--show $n: a line of more than 80 columns"
    done
done
[ "$same" -gt 10 ] && [ "$same" -lt 64 ] || fail "$same of 64 right: this test wants pictures of both kinds"

# On a terminal: half blocks in grey, each line no wider than the terminal; NO_COLOR: the same text as without one.
on_terminal() {
    local columns=$1 text
    shift
    text=$(printf '%q ' env -u COLORTERM "$@" "$hillock" eval "$config" --checkpoint "$work/run/checkpoint_latest.safetensors" --set data.test_limit=12 --show 12)
    script -qec "stty cols $columns; $text" /dev/null </dev/null | tr -d '\r' >"$work/terminal"
}
if command -v script >/dev/null; then
    for columns in 80 132 40; do
        for colors in "TERM=xterm-256color COLORTERM=truecolor" TERM=xterm; do
            # shellcheck disable=SC2086
            on_terminal $columns LC_ALL=C.UTF-8 $colors
            check
            want='38;5;2'
            [ "$colors" = TERM=xterm ] || want='38;2;'
            grep -q "$(printf '\x1b')\[$want" "$work/terminal" || { cat -v "$work/terminal"; fail "$colors: no greys"; }
            sed 's/\x1b\[[0-9;]*[mK]//g' "$work/terminal" >"$work/plain"
            grep -q '▀▀' "$work/plain" || { cat -v "$work/plain"; fail "$colors: no half blocks"; }
            longest=$(LC_ALL=C.UTF-8 awk '{ sub(/ *$/, ""); gsub(/▀/, "#"); if (length > most) most = length } END { print most }' <(grep -v '^test\|pictures\|firing' "$work/plain"))
            [ "$longest" -le $columns ] || { cat "$work/plain"; fail "$longest columns on a terminal of $columns"; }
            [ "$longest" -gt $((columns / 2 - 2)) ] || { cat "$work/plain"; fail "only $longest columns of $columns are used"; }
        done
    done
    on_terminal 80 TERM=xterm NO_COLOR=1
    check
    evaluate --set data.test_limit=12 --show 12 | diff - "$work/terminal" || fail "NO_COLOR on a terminal differs from no terminal"
else echo "no 'script' here: terminals were not looked at"; fi

# refused CODE TEXT options...
refused() {
    local want=$1 text=$2 code=0
    shift 2
    evaluate "$@" >"$work/out" 2>&1 || code=$?
    check
    [ $code = "$want" ] || { cat "$work/out"; fail "$*: exit code $code, expected $want"; }
    grep -qF -- "$text" "$work/out" && [ "$(wc -l <"$work/out")" = 1 ] || { cat "$work/out"; fail "$*: expected the one line '$text'"; }
}
refused 2 "--show: expected an integer from 1 to 64, got '0'" --show 0
refused 2 "--show: expected an integer from 1 to 64, got '65'" --show 65
refused 2 "--show: expected an integer from 1 to 64, got 'many'" --show many
refused 2 "--show: expected 1 to 5, the number of pictures that are tested, got 6" --show 6 --set data.test_limit=5
refused 2 "give one of them" --show 6 --json
check
"$hillock" eval --help >"$work/out"
grep -q -- '--show N' "$work/out" || fail "--help does not say --show"
finish
