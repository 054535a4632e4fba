#!/usr/bin/env bash
# A listing in README.md or docs/ that is marked <!-- FILE --> on the line before it is identical to that file.
# With --write: puts the files into the listings.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$source_dir" || exit 1
write=0
[ "${1:-}" = --write ] && write=1
bad=0
while IFS= read -r page; do
    # The page as it should be: each marked listing replaced by its file.
    awk '
        /^<!-- [A-Za-z0-9_.\/-]+ -->$/ { file = $2; print; next }
        file != "" && /^```/ {
            print
            while ((got = (getline line < file)) > 0) print line
            if (got < 0) { print "there is no " file > "/dev/stderr"; failed = 1 }
            close(file)
            while ((getline line) > 0 && line !~ /^```/) { }
            print line
            file = ""
            next
        }
        { file = ""; print }
        END { exit failed }
    ' "$page" >"$work/page" || { echo "FAIL: $page lists a file that is not there"; bad=1; continue; }
    grep -qE '^<!-- [A-Za-z0-9_./-]+ -->$' "$page" || continue
    check
    cmp -s "$page" "$work/page" && continue
    if [ "$write" = 1 ]; then
        cat "$work/page" >"$page"
        echo "wrote $page"
    else
        diff -u "$page" "$work/page" || true
        echo "FAIL: a listing in $page is not what its file says; bash tests/listings.sh --write puts it right"
        bad=1
    fi
done < <(find README.md docs -name '*.md' | sort)
[ "$bad" = 0 ] || exit 1
finish
