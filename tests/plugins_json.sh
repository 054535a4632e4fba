#!/usr/bin/env bash
# `hillock plugins --json` is JSON, and says of every type what it is, where it comes from, and of each field its kind, default, range and
# meaning: what catalogue pages and editors are made from.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$hillock" plugins --json >"$work/json"
"$build_dir/tests/hillock-json-flat" <"$work/json" >"$work/flat" || fail "plugins --json is no JSON"

# The same types as the registry has.
"$build_dir/tests/hillock-types" | awk '{ print $1, $2 }' | sort >"$work/want"
sed -nE 's/^types\.([0-9]+)\.(interface|id)=(.*)$/\1 \3/p' "$work/flat" | awk 'BEGIN { last = -1 } $1 == last { print before, $2 } { last = $1; before = $2 }' | sort >"$work/got"
check
diff "$work/want" "$work/got" || fail "plugins --json lists other types than the registry"

# Every field has a kind and a meaning; every type a meaning, and all but backends a source.
check
bad=$(grep -E '^types\.[0-9]+\.(doc|fields\.[0-9]+\.doc)=$|\.kind=\?$|\.role=\?$' "$work/flat" || true)
[ -z "$bad" ] || fail "without a meaning or kind: $bad"
while read -r n; do
    check
    grep -q "^types\.$n\.interface=hk\.backend/1$" "$work/flat" || fail "no source: $(grep "^types\.$n\.id=" "$work/flat")"
done < <(sed -nE 's/^types\.([0-9]+)\.source=$/\1/p' "$work/flat")

# line ID PATTERN: what is said of one type.
line() {
    local n
    n=$(sed -nE "s/^types\.([0-9]+)\.id=$1\$/\1/p" "$work/flat" | head -1)
    check
    grep -qE "^types\.$n\.$2\$" "$work/flat" || { grep "^types\.$n\." "$work/flat"; fail "$1: no line $2"; }
}
line QIF 'fields\.[0-9]+\.name=tau'
line QIF 'fields\.0\.kind=real'
line QIF 'fields\.0\.default=2\.0'
line QIF 'fields\.0\.min=1\.0'
line QIF 'fields\.0\.max=null'
line QIF 'source=SpikingJelly 2\.0, activation_based\.neuron\.QIFNode'
line QIF 'states\.0\.default=v_reset'
line Izhikevich 'states\.1\.name=w'
line LIAF 'fields\.0\.choices\.1=sigmoid'
line LIAF 'fields\.0\.default=null'
line PSN 'role=neuron'
line PSN 'fields\.1\.interface=hk\.surrogate/1'
line Linear 'role=layer'
line GatedLIF 'fields\.1\.nullable=true'
finish
