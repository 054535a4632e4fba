#!/usr/bin/env bash
# The reference library reads every safetensors file that Hillock accepts, and every one that it writes; of what Hillock refuses it may
# accept some (Hillock is stricter), and those are listed. HILLOCK_PYTHON names a Python with safetensors.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
python=${HILLOCK_PYTHON:-python3}
command -v "$python" >/dev/null || skip "no $python; HILLOCK_PYTHON can name a Python with safetensors"
"$python" -c 'import safetensors' 2>"$work/import" || skip "$python: $(tail -n 1 "$work/import"); HILLOCK_PYTHON can name a Python with safetensors"
mkdir "$work/cases"
HILLOCK_CASES=$work/cases "$build_dir/tests/test_safetensors_cases" >"$work/out" 2>&1 || { cat "$work/out"; fail "test_safetensors_cases failed"; }
cat >"$work/read.py" <<'PY'
import glob, os, sys
import safetensors
bad = 0
count = dict.fromkeys(('accepted', 'written', 'refused', 'refused there too'), 0)
for path in sorted(glob.glob(sys.argv[1] + '/*.safetensors')):
    data = open(path, 'rb').read()
    what = os.path.basename(path).split('-')[0]
    try:
        safetensors.deserialize(data)
        why = None
    except Exception as e:
        why = e
    count[what] += 1
    if what == 'refused':
        count['refused there too'] += why is not None
        if why is None: print('only refused here:', data[8:120])
    elif why is not None:
        bad += 1
        print(f'{what} here, refused there ({why}):', data[8:])
print(f'safetensors {safetensors.__version__}: {count}')
sys.exit(bad or min(count.values()) == 0)
PY
"$python" "$work/read.py" "$work/cases" || fail "the reference does not accept what is accepted or written here"
check
finish
