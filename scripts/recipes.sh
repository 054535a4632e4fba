#!/usr/bin/env bash
# Runs the tutorials' experiments, each for three seeds, checks that their accuracy lies in the documented range and draws their figures.
# Usage: scripts/recipes.sh [--only NAME] [--seeds "0 1 2"] [--out DIR] [--list]
#   --only   one of the recipes below (--list prints them); may be given several times
#   --out    folder for runs, table.md and figures (default: runs/recipes)
# The exit code is 1 when an accuracy is out of its range. docs/recipes.md says what each is.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
hillock=$root/build/bin/hillock

# name | ini | settings over it | test accuracy of the last epoch: from | to (each seed)
recipes=(
    "lif_fc|examples/lif_fc.ini|train.epochs=5|0.78|0.86"
    "fmnist_csnn|examples/fmnist_csnn.ini|model.channels=16 train.epochs=3|0.82|0.88"
    "seq_plain|examples/seq_plain.ini||0.69|0.74"
    "seq_feedback|examples/seq_feedback.ini||0.70|0.76"
    "seq_synapse|examples/seq_synapse.ini||0.70|0.76"
    "snn_conv|examples/snn_conv.ini|data.name=Subset(FashionMNIST(),subset=10) train.epochs=3|0.64|0.80"
)
only=() seeds="0 1 2" out=$root/runs/recipes
while [ $# -gt 0 ]; do
    case $1 in
        --only) only+=("$2"); shift 2 ;;
        --seeds) seeds=$2; shift 2 ;;
        --out) out=$2; shift 2 ;;
        --list) printf '%s\n' "${recipes[@]}" | cut -d'|' -f1,2 --output-delimiter='  '; exit 0 ;;
        *) sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
    esac
done
if [ ! -x "$hillock" ]; then
    "$root/scripts/setup.sh"
    (cd "$root" && cmake --preset release && cmake --build --preset release) >/dev/null
fi
mkdir -p "$out"

# The last epoch's value of a key of metrics.jsonl.
last() { grep '"test_acc"' "$1/metrics.jsonl" | tail -n 1 | sed -n "s/.*\"$2\": *\([-+0-9.eE]*\).*/\1/p"; }

bad=0
{
    echo "| recipe | test accuracy by seed | mean | sd | range | training img/s |"
    echo "|---|---|---|---|---|---|"
} >"$out/table.md"
for line in "${recipes[@]}"; do
    IFS='|' read -r name ini settings from to <<<"$line"
    if [ ${#only[@]} -gt 0 ] && [[ " ${only[*]} " != *" $name "* ]]; then continue; fi
    sets=()
    for s in $settings; do sets+=(--set "$s"); done
    folders=()
    for seed in $seeds; do
        run=$out/$name-seed$seed
        folders+=("$run")
        echo "$name, seed $seed"
        "$hillock" train "$root/$ini" --out "$run" --resume auto --set run.seed="$seed" "${sets[@]}"
    done
    accs=() speeds=()
    for run in "${folders[@]}"; do
        accs+=("$(last "$run" test_acc)")
        speeds+=("$(last "$run" img_per_s)")
    done
    verdict=$(printf '%s\n' "${accs[@]}" | awk -v from="$from" -v to="$to" '{ bad += $1 < from || $1 > to } END { print bad ? "out of range" : "ok" }')
    [ "$verdict" = ok ] || bad=1
    printf '%s\n' "${accs[@]}" | awk -v name="$name" -v from="$from" -v to="$to" -v v="$verdict" -v s="$(printf '%s\n' "${speeds[@]}" | sort -g | tail -n 1)" '
        { a[NR] = $1; sum += $1; all = all sprintf("%s%.4f", NR > 1 ? ", " : "", $1) }
        END {
            m = sum / NR
            for (i = 1; i <= NR; i++) q += (a[i] - m) ^ 2
            printf "| %s | %s | %.4f | %.4f | %s - %s %s| %.0f |\n", name, all, m, (NR > 1 ? sqrt(q / (NR - 1)) : 0), from, to, (v == "ok" ? "" : "(" v ") "), s
        }' >>"$out/table.md"
    "$hillock" plot "${folders[@]}" --out "$out/$name" || echo "recipes.sh: no figure of $name"
    if [ "$name" = fmnist_csnn ]; then "$hillock" plot encoder "${folders[0]}" --out "$out/encoder" || echo "recipes.sh: no picture of the encoder"; fi
done

# The three sequential networks beside each other.
if [ -d "$out/seq_plain-seed0" ] && [ -d "$out/seq_feedback-seed0" ] && [ -d "$out/seq_synapse-seed0" ]; then
    "$hillock" plot "$out/seq_plain-seed0" "$out/seq_feedback-seed0" "$out/seq_synapse-seed0" --out "$out/sequential" || true
fi
echo
cat "$out/table.md"
exit $bad
