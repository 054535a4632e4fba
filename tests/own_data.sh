#!/usr/bin/env bash
# A user's own data end to end: each file format and order of axes gives the same training; sequences with lengths; augmentation and loader threads give the
# same checkpoint for any number of workers and after a resume; options; and each clear error once. The files are written by Python without NumPy.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
command -v python3 >/dev/null || skip "there is no python3 to write the files with"
export OMP_NUM_THREADS=2
cd "$work" || exit 1

python3 - <<'EOF' || fail "the files were not written"
import json, random, struct, zipfile
def npy(descr, shape, data, fortran=False, version=1):
    head = "{'descr': '%s', 'fortran_order': %s, 'shape': (%s,), }" % (descr, fortran, ', '.join(map(str, shape)))
    size = '<H' if version == 1 else '<I'
    head += ' ' * (-(len(head) + 9 + struct.calcsize(size)) % 64) + '\n'
    return b'\x93NUMPY' + bytes([version, 0]) + struct.pack(size, len(head)) + head.encode() + data
def npz(path, how, **arrays):
    with zipfile.ZipFile(path, 'w', how) as z:
        for name, data in arrays.items(): z.writestr(name + '.npy', data)
def safetensors(path, **arrays):
    head, at, body = {}, 0, b''
    for name, (dtype, shape, data) in arrays.items():
        head[name] = {'dtype': dtype, 'shape': shape, 'data_offsets': [at, at + len(data)]}
        at += len(data); body += data
    text = json.dumps(head).encode()
    open(path, 'wb').write(struct.pack('<Q', len(text)) + text + body)
def pack(code, v): return struct.pack('%s%d%s' % (code[0], len(v), code[1]), *v)
random.seed(1)
C, H, W, T, F = 2, 6, 6, 7, 5
for split, n in (('train', 96), ('test', 40)):
    y = [i % 3 for i in range(n)]
    x = [min(255, random.randrange(60) + (150 if r // 2 == y[i] else 0)) for i in range(n) for c in range(C) for r in range(H) for w in range(W)]
    shape = (n, C, H, W)
    raw, ints = bytes(x), pack('<q', y)
    npz(split + '.npz', zipfile.ZIP_STORED, x=npy('|u1', shape, raw), y=npy('<i8', (n,), ints))
    npz(split + '_deflate.npz', zipfile.ZIP_DEFLATED, pictures=npy('|u1', shape, raw, version=2), labels=npy('>i2', (n, 1), pack('>h', y)))
    open(split + '_x.npy', 'wb').write(npy('|u1', shape, raw)); open(split + '_y.npy', 'wb').write(npy('|u1', (n,), bytes(y)))
    at = lambda i, c, r, w: ((i * C + c) * H + r) * W + w
    order = [at(i, c, r, w) for w in range(W) for r in range(H) for c in range(C) for i in range(n)]
    open(split + '_f.npy', 'wb').write(npy('|u1', shape, bytes(x[k] for k in order), True))
    last = [at(i, c, r, w) for i in range(n) for r in range(H) for w in range(W) for c in range(C)]
    npz(split + '_last.npz', zipfile.ZIP_DEFLATED, x=npy('|u1', (n, H, W, C), bytes(x[k] for k in last)), y=npy('<i4', (n,), pack('<i', y)))
    safetensors(split + '.safetensors', x=('U8', shape, raw), y=('I64', (n,), ints))
    for code, name in (('<f', 'f4'), ('>d', 'f8'), ('<e', 'f2')):
        npz('%s_%s.npz' % (split, name), zipfile.ZIP_STORED, x=npy(code[0] + name, shape, pack(code, [float(v) for v in x])), y=npy('<i8', (n,), ints))
    npz(split + '_i2.npz', zipfile.ZIP_STORED, x=npy('>i2', shape, pack('>h', x)), y=npy('<i8', (n,), ints))
    length = [3 + i % 5 for i in range(n)]
    s = [float(t < length[i] and random.random() < (0.8 if f == y[i] else 0.2)) for i in range(n) for t in range(T) for f in range(F)]
    tn = [s[(i * T + t) * F + f] for t in range(T) for i in range(n) for f in range(F)]
    lens = npy('<u2', (n,), pack('<H', length))
    npz(split + '_nt.npz', zipfile.ZIP_STORED, x=npy('<f4', (n, T, F), pack('<f', s)), y=npy('<i8', (n,), ints), len=lens)
    npz(split + '_tn.npz', zipfile.ZIP_STORED, x=npy('<f4', (T, n, F), pack('<f', tn)), y=npy('<i8', (n,), ints), len=lens)
    junk = [v if t < length[i] else 9e9 for i in range(n) for t in range(T) for v in s[(i * T + t) * F:(i * T + t + 1) * F]]
    npz(split + '_junk.npz', zipfile.ZIP_STORED, x=npy('<f4', (n, T, F), pack('<f', junk)), y=npy('<i8', (n,), ints), len=lens)
# what is wrong
n, y = 96, [i % 3 for i in range(96)]
good = npy('<f4', (n, F), pack('<f', [0.5] * n * F)); labels = npy('<i8', (n,), pack('<q', y))
npz('nan.npz', zipfile.ZIP_STORED, x=npy('<f4', (n, F), pack('<f', [0.5] * (17 * F) + [float('nan')] + [0.5] * (n * F - 17 * F - 1))), y=labels)
npz('object.npz', zipfile.ZIP_STORED, x=npy('|O', (n,), b'\x80\x04K*.'), y=labels)
npz('few.npz', zipfile.ZIP_STORED, x=good, y=npy('<i8', (5,), pack('<q', y[:5])))
npz('real.npz', zipfile.ZIP_STORED, x=good, y=npy('<f4', (n,), pack('<f', y)))
npz('minus.npz', zipfile.ZIP_STORED, x=good, y=npy('<i8', (n,), pack('<q', [-1] + y[1:])))
npz('seven.npz', zipfile.ZIP_STORED, x=good, y=npy('<i8', (n,), pack('<q', [7] + y[1:])))
npz('long.npz', zipfile.ZIP_STORED, x=npy('<f4', (n, T, F), pack('<f', [0.0] * n * T * F)), y=labels, len=npy('<i8', (n,), pack('<q', [T + 1] * n)))
open('cut.npy', 'wb').write(good[:-9]); open('liar.npy', 'wb').write(npy('<f4', (1 << 39, 1 << 39), b'1234'))
z = open('train_deflate.npz', 'rb').read()
open('cut.npz', 'wb').write(z[:-40]); open('flip.npz', 'wb').write(z[:90] + bytes([z[90] ^ 255]) + z[91:])
open('text.npz', 'w').write('this is no archive of arrays at all\n')
s = open('train.safetensors', 'rb').read(); open('cut.safetensors', 'wb').write(s[:-5])
EOF

cat >pictures.ini <<'EOF'
[data]
name = Arrays(train="train.npz", test="test.npz")
[model]
T = 3
[layers]
flat = Flatten()
fc = Linear(72, 3)
sn = LIF(tau=2.0, surrogate=ATan())
[train]
batch = 16
epochs = 3
lr = 0.004
optimizer = Adam()
EOF
sed -e 's/^name = .*/name = Arrays(train="train_nt.npz", test="test_nt.npz", order=NT, lengths="len")/' -e 's/^T = .*/T = 7/' -e '/^flat/d' -e 's/72/5/' pictures.ini >sequences.ini

last_line() { # what a training says last; to be called in $()
    "$hillock" train "$@" >out 2>err || { cat out err >&2; fail "train $* failed" >&2; }
    tail -n 1 out
}
want=$(last_line pictures.ini)
echo "$want"
for data in 'train="train_deflate.npz", test="test_deflate.npz", x="pictures", y="labels"' 'train="train_x.npy", train_y="train_y.npy", test="test_x.npy", test_y="test_y.npy"' \
    'train="train_f.npy", train_y="train_y.npy", test="test_f.npy", test_y="test_y.npy"' 'train="train_last.npz", test="test_last.npz", channels_last=true' \
    'train="train.safetensors", test="test.safetensors"' 'train="train_f4.npz", test="test_f4.npz", scale=0.00392156862745098' 'train="train_f8.npz", test="test_f8.npz", scale=0.00392156862745098' \
    'train="train_f2.npz", test="test_f2.npz", scale=0.00392156862745098' 'train="train_i2.npz", test="test_i2.npz", scale=0.00392156862745098'; do
    got=$(last_line pictures.ini --set "data.name=Arrays($data)")
    check
    [ "$got" = "$want" ] || fail "Arrays($data): expected '$want', got '$got'"
done
mkdir folder && cp train.npz test.npz folder
got=$(last_line pictures.ini -data-dir folder)
check
[ "$got" = "$want" ] || fail "-data-dir: expected '$want', got '$got'"
got=$(last_line pictures.ini --cache-dataset -j 2)
check
[ "$got" = "$want" ] || fail "--cache-dataset -j 2: expected '$want', got '$got'"

want=$(last_line sequences.ini)
echo "$want"
for data in 'train="train_tn.npz", test="test_tn.npz", order=TN, lengths="len"' 'train="train_junk.npz", test="test_junk.npz", order=NT, lengths="len"'; do
    got=$(last_line sequences.ini --set "data.name=Arrays($data)")
    check
    [ "$got" = "$want" ] || fail "Arrays($data): expected '$want', got '$got'"
done
got=$(last_line sequences.ini --set 'data.name=Arrays(train="train_nt.npz", test="test_nt.npz", order=NT)')
check
[ "$got" != "$want" ] || fail "lengths change nothing"

# A sequence's test by eval is the training's last one; a signal ends a run with threads as any other.
"$hillock" train sequences.ini -j 1 --out run >out 2>&1 || { cat out; fail "train --out"; }
"$hillock" eval sequences.ini -j 2 --checkpoint run/checkpoint_latest.safetensors >tested 2>&1 || { cat tested; fail "eval"; }
check
[ "$(awk '{ print $NF }' out | tail -n 1)" = "$(awk '{ print $5 }' tested)" ] || { cat out tested; fail "eval has another accuracy than the last test"; }
"$hillock" train sequences.ini --epochs 1000000 -j 2 --quiet --out stopped_run >out 2>&1 &
pid=$!
for _ in $(seq 100); do
    [ ! -e stopped_run/metrics.jsonl ] || break
    sleep 0.05
done
kill -TERM $pid
code=0
wait $pid || code=$?
check
[ "$code" = 75 ] || { cat out; fail "SIGTERM with -j 2: expected exit code 75, got $code"; }

# The program's own arrays, by a hook: classes are told apart, lengths are there.
sed -e 's/^name = .*/name = Arrays()/' -e 's/^T = .*/T = 10/' -e 's/72, 3/6, 3/' -e '/^flat/d' pictures.ini >arrays.ini
"$build_dir/bin/own_arrays" arrays.ini --epochs 8 >out 2>err || { cat out err; fail "own_arrays failed"; }
tail -n 1 out
check
tail -n 1 out | awk '{ exit !($NF > 0.8) }' || fail "own_arrays: expected more than 0.8 right, got '$(tail -n 1 out)'"

# Augmentation and threads: the same checkpoint for any number of workers, and after a stop in the middle of an epoch.
augment=(--flip 0.5 --crop-padding 1 --random-erase 0.5 --mixup-alpha 0.2 --cutmix-alpha 1 --set augment.mean=0.2 --set "augment.std=0.5, 0.5")
augment=("${augment[@]//0.5, 0.5/0.5}")
for workers in 0 1 3; do
    "$hillock" train pictures.ini "${augment[@]}" -j $workers --out w$workers >out 2>&1 || { cat out; fail "-j $workers failed"; }
    check
    cmp w0/checkpoint_latest.safetensors w$workers/checkpoint_latest.safetensors || fail "-j $workers gives another checkpoint than -j 0"
done
augmented=$(tail -n 1 out)
plain=$(last_line pictures.ini -j 3)
check
[ "$plain" != "$augmented" ] || fail "augmentation changes nothing"
"$hillock" train pictures.ini "${augment[@]}" -j 2 --out stopped --set checkpoint.every_steps=8 --epochs 2 >out 2>&1 || { cat out; fail "the first part failed"; }
cp stopped/checkpoint_previous.safetensors middle.safetensors
"$hillock" train pictures.ini "${augment[@]}" -j 1 --out resumed --resume middle.safetensors >out 2>&1 || { cat out; fail "the resumed part failed"; }
check
grep -q 'resumed at training step 8, 1 of 3 epochs done' out || { cat out; fail "expected to go on in the middle of an epoch"; }
check
cmp w0/checkpoint_latest.safetensors resumed/checkpoint_latest.safetensors || fail "a resumed run gives another checkpoint"

# Options under the tutorials' names.
"$hillock" train pictures.ini -T 4 -b 32 --opt sgd --momentum 0.9 --weight-decay 0.001 --lr-scheduler step --lr-step-size 2 --lr-gamma 0.5 -j 1 --device cpu --seed 3 --print-config >out 2>err || { cat err; fail "--print-config"; }
for line in 'T *= *4' 'batch *= *32' 'optimizer *= *SGD()' 'momentum *= *0.9' 'weight_decay *= *0.001' 'scheduler *= *StepLR()' 'lr_step_size *= *2' 'lr_gamma *= *0.5' 'workers *= *1' 'seed *= *3'; do
    check
    grep -qE "^$line" out || { cat out; fail "expected '$line' in the resolved configuration"; }
done
for scheduler in "--lr-scheduler cosa --T-max 2 --lr-min 0.001" "--lr-scheduler exp --lr-gamma 0.5"; do
    # shellcheck disable=SC2086
    last_line pictures.ini $scheduler --opt adamw --wd 0.1 --label-smoothing 0.1 --set "train.loss=CrossEntropy()" >/dev/null
    check
done

refused() { # code, text, arguments
    local code=$1 text=$2 got=0
    shift 2
    "$hillock" train "$@" >out 2>&1 || got=$?
    check
    if [ "$got" != "$code" ] || ! grep -qF -- "$text" out; then
        cat out
        fail "train $*: expected exit code $code and '$text', got $got"
    fi
}
data() { # code, text, arguments of Arrays
    refused "$1" "$2" flat.ini --set "data.name=Arrays($3, test=\"test.npz\")"
}
sed -e '/^flat/d' -e 's/72, 3/5, 3/' pictures.ini >flat.ini
data 3 "nan.npz: cannot open" 'train="not/nan.npz"'
data 3 "expected an array 'z', got: x, y" 'train="train.npz", x="z"'
data 3 "a .npy file holds one array; give the labels' as train_y" 'train="train_x.npy"'
data 3 "Python objects, which are not read" 'train="object.npz"'
data 3 "y: expected one number for each of the 96 samples, got 5" 'train="few.npz"'
data 3 "y: expected integers, got numbers of type f4" 'train="real.npz"'
data 3 "y: expected 0 or more for sample 0, got -1" 'train="minus.npz"'
data 3 "y: expected 0 to 2 for sample 0, got 7" 'train="seven.npz", classes=3'
data 3 "lengths: expected 1 to 7 for sample 0, got 8" 'train="long.npz", order=NT, lengths="len"'
data 3 "got 1911: the file is truncated" 'train="cut.npy", train_y="train_y.npy"'
data 3 "expected a size of 1 or more for axis 1, and a product in range" 'train="liar.npy", train_y="train_y.npy"'
data 3 "the archive has no directory at its end" 'train="cut.npz"'
data 3 "the archive is damaged" 'train="flip.npz", x="pictures", y="labels"'
data 3 "expected a .npy, .npz or .safetensors file" 'train="text.npz"'
data 3 "'y': its data lies outside the file: it is truncated or damaged" 'train="cut.safetensors"'
data 3 "channels_last is for pictures [H,W,C], but a sample has 1 axes" 'train="seven.npz", channels_last=true'
data 3 "x: expected 3 to 8 axes for order=NT, got 2" 'train="seven.npz", order=NT'
data 3 "steps is for sequences" 'train="seven.npz", steps=2'
refused 3 "sample 17: expected finite numbers, got nan" flat.ini --set 'data.name=Arrays(train="nan.npz", test="nan.npz")' -j 3
refused 2 "the training data has labels up to 7, but the network gives 3 numbers" flat.ini --set 'data.name=Arrays(train="seven.npz", test="seven.npz")'
refused 2 "[model] T: expected 7, the steps of the data's sequences, got 5; write T = 7" sequences.ini -T 5
refused 2 "for pictures [C,H,W] or [H,W], but a sample (of one step) has 1 axes" sequences.ini --flip 0.5
refused 2 "expected one number, or one for each of the 2 channels, got 3" pictures.ini --set "augment.mean=1 2 3" --set "augment.std=1 2 3"
refused 2 "mean has 1 numbers and std 0" pictures.ini --set augment.mean=1
refused 2 "expected numbers above 0, got 0" pictures.ini --set augment.mean=1 --set augment.std=0
refused 2 "root is given here and in [data] path = folder; leave it out here" pictures.ini --data-dir folder --set 'data.name=Arrays(train="train.npz", test="test.npz", root="x")'
refused 2 "--data-dir folder and --data-path x both set [data] path; give one of the two" pictures.ini --data-path x --data-dir folder
refused 2 "has no field momentum; write momentum = none" pictures.ini --momentum 0.9
refused 2 "momentum is given here and in [train] momentum = 0.9; leave it out here" pictures.ini --momentum 0.9 --opt 'SGD(momentum=0.5)'
refused 2 "[train] weight_decay: expected a number, or none, got '(('" pictures.ini --wd '(('
refused 2 "[augment] mean: expected numbers, as 0.4914 0.4822 0.4465, got '(('" pictures.ini --set 'augment.mean=(('
refused 2 "it is part of [train] scheduler, which is none" pictures.ini --lr-gamma 0.5
refused 2 "did you mean '--workers'" pictures.ini --wrokers 3
refused 2 "[data] workers" pictures.ini -j 65
"$hillock" train --help >out || fail "--help"
check
grep -q -- '-b, --batch B' out || { cat out; fail "--help does not list -b"; }
finish
