#!/usr/bin/env bash
# Weights both ways with PyTorch: what safetensors.torch.save_file(net.state_dict()) wrote there has the same test accuracy here, and what
# `hillock export weights` wrote here loads there with strict=True and has the same accuracy there. HILLOCK_PYTHON names a Python with
# torch, spikingjelly and safetensors.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
python=${HILLOCK_PYTHON:-python3}
command -v "$python" >/dev/null || skip "no $python; HILLOCK_PYTHON can name a Python with torch, spikingjelly and safetensors"
"$python" -c 'import torch, spikingjelly, safetensors.torch' 2>"$work/import" ||
    skip "$python: $(tail -n 1 "$work/import"); HILLOCK_PYTHON can name a Python with torch, spikingjelly and safetensors"

cat >"$work/peer.py" <<'PY'
"""peer.py plain|csnn save|load FILE: trains a little and saves, or loads strictly; prints how many of the test images are right."""
import gzip, sys
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from safetensors.torch import load_file, save_file
from spikingjelly.activation_based import functional, layer, neuron, surrogate
what, do, file = sys.argv[1:4]
torch.manual_seed(1)
torch.set_num_threads(2)
D = '/usr/share/datasets/fashion-mnist/'
def load(split):
    x = np.frombuffer(gzip.open(D + split + '-images-idx3-ubyte.gz').read(), np.uint8, offset=16).reshape(-1, 28, 28)
    y = np.frombuffer(gzip.open(D + split + '-labels-idx1-ubyte.gz').read(), np.uint8, offset=8)
    return torch.tensor(x.astype(np.float32) / 255), torch.tensor(y.astype(np.int64))
if what == 'plain':
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            IF = lambda: neuron.IFNode(surrogate_function=surrogate.ATan())
            self.net = nn.Sequential(layer.Linear(28, 32), IF(), layer.Linear(32, 10), IF())
            functional.set_step_mode(self, 'm')
        def forward(self, x): return self.net(x.permute(2, 0, 1)).mean(0)
    net, steps, batch, opt = Net(), 300, 256, lambda p: torch.optim.Adam(p, lr=5e-3)
    n_test = 10000
else:
    from spikingjelly.activation_based.examples.conv_fashion_mnist import CSNN
    class Net(CSNN):
        def forward(self, x): return super().forward(x[:, None])
    net, steps, batch, opt = Net(4, 4), 60, 64, lambda p: torch.optim.SGD(p, lr=.1, momentum=.9)
    n_test = 2000
if do == 'save':
    x, y = load('train')
    o = opt(net.parameters())
    for i in range(steps):
        p = torch.randint(len(x), (batch,))
        o.zero_grad()
        F.mse_loss(net(x[p]), F.one_hot(y[p], 10).float()).backward()
        o.step()
        functional.reset_net(net)
    save_file(net.state_dict(), file)
else:
    print('loaded:', net.load_state_dict(load_file(file), strict=True), file=sys.stderr)
x, y = load('t10k')
net.eval()
right = 0
with torch.no_grad():
    for i in range(0, n_test, 500):
        right += (net(x[i:i + 500]).argmax(1) == y[i:i + 500]).sum().item()
        functional.reset_net(net)
print(right)
PY

# Sums in another order can move a membrane across its threshold: 5 of 10000 pictures may differ.
near() {
    local what=$1 a=$2 b=$3 n=$4
    echo "$what: $a right there, $b here, of $n"
    check
    awk -v a="$a" -v b="$b" -v n="$n" 'BEGIN { d = a > b ? a - b : b - a; exit !(a > 0.2 * n && d <= 0.0005 * n + 1) }' || fail "$what: the accuracies differ, or are chance"
}
right_of() { sed -n 's/.*"correct": \([0-9]*\).*/\1/p' "$work/out"; }
both_ways() {
    local what=$1 config=$2 n=$3 lr=$4
    shift 4
    there=$("$python" "$work/peer.py" "$what" save "$work/$what.safetensors" 2>"$work/err") || { cat "$work/err"; fail "$what: the peer failed"; }
    "$hillock" eval "$config" --json --set "data.test_limit=$n" --checkpoint "$work/$what.safetensors" "$@" >"$work/out" 2>&1 || { cat "$work/out"; fail "$what: eval failed"; }
    near "$what, saved there" "$there" "$(right_of)" "$n"
    "$hillock" train "$config" --out "$work/$what" --set data.limit=19200 --set data.test_limit=1000 --set train.epochs=1 --set "train.lr=$lr" "$@" >"$work/out" 2>&1 ||
        { cat "$work/out"; fail "$what: train failed"; }
    "$hillock" export weights --checkpoint "$work/$what/checkpoint_latest.safetensors" --out "$work/ours.safetensors" >/dev/null || fail "$what: export failed"
    "$hillock" eval "$config" --json --set "data.test_limit=$n" --checkpoint "$work/ours.safetensors" "$@" >"$work/out" 2>&1 || { cat "$work/out"; fail "$what: eval failed"; }
    there=$("$python" "$work/peer.py" "$what" load "$work/ours.safetensors" 2>"$work/err") || { cat "$work/err"; fail "$what: strict loading failed"; }
    grep 'loaded:' "$work/err"
    near "$what, saved here" "$there" "$(right_of)" "$n"
}
both_ways plain "$source_dir/examples/seq_plain.ini" 10000 0.005
if [ -e "$source_dir/examples/fmnist_csnn.ini" ]; then
    both_ways csnn "$source_dir/examples/fmnist_csnn.ini" 2000 0.1 --set model.channels=4
else
    echo "csnn: left out, there is no examples/fmnist_csnn.ini yet"
fi
finish
