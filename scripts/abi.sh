#!/usr/bin/env bash
# The plugin border as text and as layout, and the headers kept of it in abi/.
#   scripts/abi.sh --print [INCLUDE]   three lines of the headers in INCLUDE (default: include): the ABI's version, a hash of
#                                      hillock/plugin.h and all it includes as the preprocessor gives it (comments, blanks and libc
#                                      do not count), the layout print
#   scripts/abi.sh --refresh           writes those of include/ to abi/print.txt. While the version is 0.x and the layout differs from the kept
#                                      headers', these are replaced too, as a plugin built with them would be refused.
#   scripts/abi.sh --keep              also copies the headers to abi/VERSION/hillock: for a release
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The plugin's headers: what hillock/plugin.h includes, with empty files in libc's place.
mkdir "$work/libc"
for header in stdarg stddef stdint; do : >"$work/libc/$header.h"; done
preprocess() { # INCLUDE OPTIONS...
    local include=$1
    shift
    "$cc" -E -undef -nostdinc -I"$work/libc" -I"$include" "$@" "$include/hillock/plugin.h"
}
text_hash() {
    : >"$work/empty.c"
    "$cc" -E -P -dD -undef "$work/empty.c" | sort -u >"$work/builtin"
    preprocess "$1" -P -dD | grep -vxFf "$work/builtin" | tr -d '[:space:]' | sha256sum | cut -d' ' -f1
}
from_c() { # INCLUDE FORMAT EXPRESSIONS: printed by a program compiled with these headers
    printf '#include "hillock/plugin.h"\n#include <stdio.h>\nint main(void) { return printf("%s\\n", %s) < 0; }\n' "$2" "$3" >"$work/print.c"
    "$cc" -std=gnu11 -I"$1" -o "$work/print" "$work/print.c" && "$work/print"
}
version() { from_c "$1" '%u.%u' 'HK_ABI_MAJOR, HK_ABI_MINOR'; }
layout() { from_c "$1" '%016llx' '(unsigned long long)HK_ABI_PRINT'; }
print() { printf 'abi %s\ntext %s\nlayout %s\n' "$(version "$1")" "$(text_hash "$1")" "$(layout "$1")"; }

keep() {
    local now folder header
    now=$(version "$root/include")
    if [ "${now%%.*}" = 0 ]; then rm -rf "$root"/abi/0.*; fi
    folder=$root/abi/$now
    rm -rf "$folder"
    mkdir -p "$folder/hillock"
    for header in $(preprocess "$root/include" -M | tr ' ' '\n' | grep "^$root/include/hillock/"); do cp "$header" "$folder/hillock/"; done
    echo "abi/$now: $(find "$folder/hillock" -type f | wc -l) headers kept"
}

case ${1:-} in
    --print) print "${2:-$root/include}" ;;
    --refresh | --keep)
        mkdir -p "$root/abi"
        now=$(version "$root/include")
        if [ "$1" = --keep ] || [ ! -d "$root/abi/$now" ]; then keep
        elif [ "${now%%.*}" = 0 ] && [ "$(layout "$root/abi/$now")" != "$(layout "$root/include")" ]; then keep
        fi
        print "$root/include" >"$root/abi/print.txt"
        cat "$root/abi/print.txt"
        ;;
    *) sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
