#!/usr/bin/env bash
# Every public header compiles by itself, as C11 and as C++17, with all warnings as errors. (*.hk.h are texts of the portable dialect,
# to be included in the middle of another text; they are compiled with the texts.)
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cc=${CC:-gcc}
cxx=${CXX:-g++}
warnings=(-Wall -Wextra -Wpedantic -Wshadow -Werror -fmax-errors=2)
bad=0
for header in "$source_dir"/include/hillock/*.h; do
    name=hillock/$(basename "$header")
    [[ $name == *.hk.h ]] && continue
    printf '#include "%s"\ntypedef int not_empty;\n' "$name" >"$work/alone.c"
    cp "$work/alone.c" "$work/alone.cc"
    check
    "$cc" -std=c11 "${warnings[@]}" -I"$source_dir/include" -fsyntax-only "$work/alone.c" || { echo "FAIL: $name alone as C11"; bad=1; }
    check
    "$cxx" -std=c++17 "${warnings[@]}" -I"$source_dir/include" -fsyntax-only "$work/alone.cc" || { echo "FAIL: $name alone as C++17"; bad=1; }
    # Twice, and after the whole API: include guards.
    printf '#include "hillock/hillock.h"\n#include "%s"\n#include "%s"\ntypedef int not_empty;\n' "$name" "$name" >"$work/twice.c"
    check
    "$cc" -std=c11 "${warnings[@]}" -I"$source_dir/include" -fsyntax-only "$work/twice.c" || { echo "FAIL: $name a second time"; bad=1; }
done
[ "$bad" = 0 ] || exit 1
finish
