#!/usr/bin/env bash
# golden.sh NAME [options]: runs the golden files. NAME baseline, avx2, avx512: skipped where the processor lacks the level.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
name=$1
shift
has() { for flag in "$@"; do grep -qw "$flag" /proc/cpuinfo || return 1; done; }
case $name in
    avx2) has avx2 fma bmi2 || skip "$name: this processor has no AVX2 with FMA" ;;
    avx512) has avx512f avx512bw avx512dq avx512vl || skip "$name: this processor has no AVX-512" ;;
esac
"$build_dir/bin/hillock-golden" "$source_dir/tests/golden" "$@"
