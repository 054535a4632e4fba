"""Speed of the peers with the settings of `hillock bench`, CPU. Usage: peer_bench.py WORKLOAD [--compile] [--iters K] [--batch B]
Prints one line: workload, lib, phase, images/s (median over iterations)."""
import argparse, time, statistics as st, torch, torch.nn as nn, torch.nn.functional as F
import gzip, numpy as np, os
from spikingjelly.activation_based import neuron, functional, surrogate, layer, encoding
p = argparse.ArgumentParser(); p.add_argument('w'); p.add_argument('--compile', action='store_true')
p.add_argument('--iters', type=int, default=5); p.add_argument('--batch', type=int, default=0); p.add_argument('--threads', type=int, default=2)
p.add_argument('--channels', type=int, default=64); p.add_argument('--T', type=int, default=0)
p.add_argument('--weights', help='safetensors file that hillock export wrote: the initial weights')
p.add_argument('--steps', type=int, default=400, help='of the stream workloads')
p.add_argument('--rates', action='store_true', help='firing rates by layer of an inference after the timed runs')
a = p.parse_args(); torch.set_num_threads(a.threads); torch.manual_seed(0)

def fmnist(n):
    d='/usr/share/datasets/fashion-mnist/'
    x=np.frombuffer(gzip.open(d+'train-images-idx3-ubyte.gz').read(),np.uint8,offset=16).reshape(-1,28,28)[:n].astype(np.float32)/255
    y=np.frombuffer(gzip.open(d+'train-labels-idx1-ubyte.gz').read(),np.uint8,offset=8)[:n].astype(np.int64)
    return torch.tensor(x), torch.tensor(y)

def bench(name, B, train, infer):
    for phase, f in (('train', train), ('infer', infer)):
        f(); ts=[]
        for _ in range(a.iters):
            t=time.perf_counter(); f(); ts.append(time.perf_counter()-t)
        m=st.median(ts); print(f'{name} {phase} B={B} threads={a.threads} compile={a.compile}: {B/m:.1f} img/s  {1/m:.3f} it/s  ({m*1e3:.1f} ms, min {min(ts)*1e3:.1f})', flush=True)

def load(net):
    """Initial weights of Hillock's network; its names may have the name of the part before them (net.0.weight)."""
    if not a.weights: return net
    from safetensors.torch import load_file
    have = load_file(a.weights)
    for name, p in net.named_parameters():
        match = [v for k, v in have.items() if k == name or k.endswith('.' + name)]
        if len(match) != 1: raise SystemExit(f'{a.weights}: {len(match)} entries for {name}')
        with torch.no_grad(): p.copy_(match[0].reshape(p.shape))
    return net

def rates(name, net, infer):
    """NAME rates: layer rate ..., of one inference on the batch."""
    if not a.rates: return
    sums = {}
    def hook(path):
        def f(m, i, o):
            o = o[0] if isinstance(o, tuple) else o
            s = sums.setdefault(path, [0., 0]); s[0] += o.sum().item(); s[1] += o.numel()
        return f
    try: import snntorch; leaky = snntorch.SpikingNeuron
    except ImportError: leaky = ()
    hooks = [m.register_forward_hook(hook(n or '.')) for n, m in net.named_modules() if isinstance(m, neuron.BaseNode) or (leaky and isinstance(m, leaky))]
    infer()
    for h in hooks: h.remove()
    print(f'{name} rates: ' + '  '.join(f'{k} {v[0]/v[1]:.4f}' for k, v in sums.items()), flush=True)

def stream(name, T, step, reset, x):
    """One picture, one time step at a time."""
    ts = []
    with torch.no_grad():
        for i in range(max(2, -(-a.steps // T)) + 1):
            reset(); picture = x[i % len(x)][None].clone()
            for _ in range(T):
                t = time.perf_counter(); step(picture).numpy(); ts.append(time.perf_counter() - t)
    ts = sorted(ts[T:]); m = st.median(ts); q = lambda p: ts[min(len(ts) - 1, int(p * len(ts)))] * 1e3
    print(f'stream {name} step B=1 threads={a.threads} compile=False: {1/m:.1f} img/s  {1/m:.3f} it/s  ({m*1e3:.1f} ms, min {min(ts)*1e3:.1f})'
          f'  latency of a step: p50 {q(.5):.4f} ms  p90 {q(.9):.4f} ms  p99 {q(.99):.4f} ms  max {ts[-1]*1e3:.4f} ms; {len(ts)/sum(ts):.1f} steps/s, T={T}', flush=True)

def sj_loop(net, x, y, loss_fn, lr=.1):
    opt=torch.optim.SGD(net.parameters(), lr=lr, momentum=.9)
    run=torch.compile(net) if a.compile else net
    def train():
        net.train(); opt.zero_grad(); l=loss_fn(run(x), y); l.backward(); opt.step(); functional.reset_net(net)
    def infer():
        net.eval()
        with torch.no_grad(): run(x); functional.reset_net(net)
    return train, infer

onehot_mse=lambda o,y: F.mse_loss(o, F.one_hot(y,o.shape[1]).float())
if a.w=='csnn':
    from spikingjelly.activation_based.examples.conv_fashion_mnist import CSNN
    B=a.batch or 128; x,y=fmnist(B); net=load(CSNN(a.T or 4, a.channels)); fs=sj_loop(net, x[:,None], y, onehot_mse)
    bench(f'csnn c{a.channels}', B, *fs)
    if not a.compile: rates(f'csnn c{a.channels}', net, fs[1])
elif a.w=='stream-csnn':
    from spikingjelly.activation_based.examples.conv_fashion_mnist import CSNN
    x,y=fmnist(64); net=CSNN(a.T or 4, a.channels).eval(); functional.set_step_mode(net,'s')
    stream('csnn', a.T or 4, net.conv_fc, lambda: functional.reset_net(net), x[:,None])
elif a.w=='stream-lif-fc':
    x,y=fmnist(64); enc=encoding.PoissonEncoder()
    net=nn.Sequential(layer.Flatten(), layer.Linear(784,10,bias=False), neuron.LIFNode(tau=2.,surrogate_function=surrogate.ATan())).eval()
    stream('lif-fc', a.T or 100, lambda p: net(enc(p)), lambda: functional.reset_net(net), x[:,None])
elif a.w=='stream-snn-conv':
    import snntorch as snn
    from snntorch import surrogate as ss, utils
    x,y=fmnist(64); g=ss.fast_sigmoid(slope=25)
    L=lambda **k: snn.Leaky(beta=.5,spike_grad=g,init_hidden=True,**k)
    net=nn.Sequential(nn.Conv2d(1,12,5),nn.MaxPool2d(2),L(),nn.Conv2d(12,64,5),nn.MaxPool2d(2),L(),nn.Flatten(),nn.Linear(64*16,10),L(output=True)).eval()
    stream('snn-conv', a.T or 50, lambda p: net(p)[0], lambda: utils.reset(net), x[:,None])
elif a.w in ('seq-plain','seq-feedback','seq-synapse'):
    B=a.batch or 256; x,y=fmnist(B)
    k={'seq-plain':0,'seq-feedback':1,'seq-synapse':2}[a.w]
    IF=lambda: neuron.IFNode(surrogate_function=surrogate.ATan(), detach_reset=True)
    if k==0: body=[layer.Linear(28,32),IF(),layer.Linear(32,10),IF()]
    elif k==1: body=[layer.Linear(28,32),layer.LinearRecurrentContainer(IF(),in_features=32,out_features=32,bias=True),layer.Linear(32,10),IF()]
    else: body=[layer.Linear(28,32),IF(),layer.SynapseFilter(tau=2.,learnable=True),layer.Linear(32,10),IF()]
    net=load(nn.Sequential(*body)); functional.set_step_mode(net,'m')
    class N(nn.Module):
        def __init__(s): super().__init__(); s.f=net
        def forward(s,x): return s.f(x.permute(2,0,1)).mean(0)   # column by column
    fs=sj_loop(N(), x, y, onehot_mse); bench(a.w, B, *fs)
    if not a.compile: rates(a.w, net, fs[1])
elif a.w=='lif-fc':
    B=a.batch or 64; T=a.T or 100; x,y=fmnist(B); enc=encoding.PoissonEncoder()
    net=load(nn.Sequential(layer.Flatten(), layer.Linear(784,10,bias=False), neuron.LIFNode(tau=2.,surrogate_function=surrogate.ATan())))
    opt=torch.optim.Adam(net.parameters(),lr=1e-3)
    def fwd():
        o=0.
        for _ in range(T): o=o+net(enc(x[:,None]))
        return o/T
    def train():
        net.train(); opt.zero_grad(); l=onehot_mse(fwd(),y); l.backward(); opt.step(); functional.reset_net(net)
    def infer():
        net.eval()
        with torch.no_grad(): fwd(); functional.reset_net(net)
    bench('lif-fc single-step (as the tutorial)', B, train, infer)
    rates('lif-fc', net, infer)
    functional.set_step_mode(net,'m'); functional.reset_net(net)
    opt=torch.optim.Adam(net.parameters(),lr=1e-3)
    def fwd2():
        xs=x[:,None].unsqueeze(0).expand(T,-1,-1,-1,-1); return net(torch.rand_like(xs).le(xs).float()).mean(0)
    def train2():
        net.train(); opt.zero_grad(); l=onehot_mse(fwd2(),y); l.backward(); opt.step(); functional.reset_net(net)
    def infer2():
        net.eval()
        with torch.no_grad(): fwd2(); functional.reset_net(net)
    bench('lif-fc multi-step', B, train2, infer2)
elif a.w=='snn-conv':
    import snntorch as snn, snntorch.functional as SF
    from snntorch import surrogate as ss, utils, backprop
    B=a.batch or 128; T=a.T or 50; x,y=fmnist(B); x=x[:,None]; g=ss.fast_sigmoid(slope=25); beta=.5
    net=nn.Sequential(nn.Conv2d(1,12,5),nn.MaxPool2d(2),snn.Leaky(beta=beta,spike_grad=g,init_hidden=True),
        nn.Conv2d(12,64,5),nn.MaxPool2d(2),snn.Leaky(beta=beta,spike_grad=g,init_hidden=True),nn.Flatten(),nn.Linear(64*16,10),
        snn.Leaky(beta=beta,spike_grad=g,init_hidden=True,output=True))
    load(net); opt=torch.optim.Adam(net.parameters(),lr=1e-2,betas=(.9,.999)); loss_fn=SF.ce_rate_loss()
    run=torch.compile(net) if a.compile else net
    def fwd():
        utils.reset(net); s=[]
        for _ in range(T): s.append(run(x)[0])
        return torch.stack(s)
    def train():
        net.train(); opt.zero_grad(); l=loss_fn(fwd(),y); l.backward(); opt.step()
    def infer():
        net.eval()
        with torch.no_grad(): fwd()
    bench('snntorch tutorial 6', B, train, infer)
    if not a.compile: rates('snntorch tutorial 6', net, infer)
elif a.w=='snn-conv-sj':
    B=a.batch or 128; T=a.T or 50; x,y=fmnist(B); x=x[:,None]
    LIF=lambda: neuron.LIFNode(tau=2.,decay_input=False,v_reset=None,detach_reset=True,surrogate_function=surrogate.SoftSign())
    net=nn.Sequential(layer.Conv2d(1,12,5),layer.MaxPool2d(2),LIF(),layer.Conv2d(12,64,5),layer.MaxPool2d(2),LIF(),layer.Flatten(),layer.Linear(1024,10),LIF())
    functional.set_step_mode(net,'m')
    class N(nn.Module):
        def __init__(s): super().__init__(); s.f=net
        def forward(s,x): return s.f(x.unsqueeze(0).expand(T,-1,-1,-1,-1)).mean(0)
    bench('tutorial 6 in spikingjelly', B, *sj_loop(N(), x, y, onehot_mse))
elif a.w=='resnet18':
    from spikingjelly.activation_based.model import spiking_resnet
    B=a.batch or 1; T=a.T or 4
    net=spiking_resnet.spiking_resnet18(pretrained=False, spiking_neuron=neuron.IFNode, surrogate_function=surrogate.ATan(), detach_reset=True)
    functional.set_step_mode(net,'m'); x=torch.rand(B,3,224,224); y=torch.randint(0,1000,(B,))
    class N(nn.Module):
        def __init__(s): super().__init__(); s.f=net
        def forward(s,x): return s.f(x.unsqueeze(0).expand(T,-1,-1,-1,-1)).mean(0)
    bench(f'spiking_resnet18 T={T}', B, *sj_loop(N(), x, y, F.cross_entropy))
elif a.w=='dvsg':
    from spikingjelly.activation_based.model import parametric_lif_net
    B=a.batch or 1; T=a.T or 16
    net=parametric_lif_net.DVSGestureNet(channels=a.channels, spiking_neuron=neuron.LIFNode, surrogate_function=surrogate.ATan(), detach_reset=True)
    functional.set_step_mode(net,'m'); x=(torch.rand(T,B,2,128,128)<.1).float(); y=torch.randint(0,11,(B,))
    class N(nn.Module):
        def __init__(s): super().__init__(); s.f=net
        def forward(s,x): return s.f(x).mean(0)
    y=y.clamp(max=9) if False else y
    bench(f'DVSGestureNet c{a.channels} T={T}', B, *sj_loop(N(), x, y, lambda o,y: F.mse_loss(o,F.one_hot(y,o.shape[1]).float())))
elif a.w=='neuron':
    T=a.T or 16; Nn=a.batch or (1<<20)
    x=torch.randn(T,Nn,requires_grad=True); g=torch.randn(T,Nn)
    def mk(n):
        f=torch.compile(n) if a.compile else n
        def train():
            x.grad=None; f(x).backward(g); functional.reset_net(n)
        def infer():
            with torch.no_grad(): f(x); functional.reset_net(n)
        return train, infer
    bench(f'LIF multi-step T={T} N={Nn} ns/elem {0}', T*Nn, *mk(neuron.LIFNode(tau=2.,step_mode='m',surrogate_function=surrogate.ATan(),detach_reset=True)))
    import snntorch as snn
    from snntorch import surrogate as ss
    l=snn.Leaky(beta=.5,spike_grad=ss.atan(),reset_mechanism='subtract')
    def fwd():
        m=l.init_leaky(); o=[]
        for t in range(T):
            s,m=l(x[t],m); o.append(s)
        return torch.stack(o)
    def train(): x.grad=None; fwd().backward(g)
    def infer():
        with torch.no_grad(): fwd()
    bench('snntorch Leaky', T*Nn, train, infer)
