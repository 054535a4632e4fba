#!/usr/bin/env bash
# golden.sh NAME [options]: runs the golden files. NAME baseline, avx2, avx512: skipped where the processor lacks the level;
# onednn: where that backend was not built.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
name=$1
shift
has() { for flag in "$@"; do grep -qw "$flag" /proc/cpuinfo || return 1; done; }
case $name in
    avx2) has avx2 fma bmi2 || skip "$name: this processor has no AVX2 with FMA" ;;
    avx512) has avx512f avx512bw avx512dq avx512vl || skip "$name: this processor has no AVX-512" ;;
    onednn) [ -e "$build_dir/lib/hillock/plugins/backend_onednn.so" ] || skip "$name: the backend was left out when this was built (cmake said why)" ;;
esac
code=0
"$build_dir/bin/hillock-golden" "$source_dir/tests/golden" "$@" >"$work/out" 2>&1 || code=$?
cat "$work/out"
# One line for the summary: how many cases were left out, and which types they wait for.
awk '
    /^missing types/ { on = 1; next }
    on && /^  / { $NF = ""; sub(/ +$/, ""); sub(/^ +/, ""); list = list (list == "" ? "" : ", ") $0; next }
    { on = 0 }
    /^[0-9]+ passed, .* failed, .* skipped$/ { cases = $(NF - 1) }
    END { if (cases) printf "skip: golden: %d cases whose types are not there: %s\n", cases, list }
' "$work/out"
exit "$code"
