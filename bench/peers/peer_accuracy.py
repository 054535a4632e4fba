"""Test accuracy of the peers with the settings of examples/, on Fashion-MNIST, CPU. Usage: peer_accuracy.py WHAT EPOCHS [SEED]"""
import sys,time,gzip,numpy as np,torch,torch.nn as nn,torch.nn.functional as F
from spikingjelly.activation_based import neuron, functional, surrogate, layer
what,epochs,seed=sys.argv[1],int(sys.argv[2]),int(sys.argv[3]) if len(sys.argv)>3 else 0
torch.manual_seed(seed); torch.set_num_threads(2)
d='/usr/share/datasets/fashion-mnist/'
def load(s):
    x=np.frombuffer(gzip.open(d+s+'-images-idx3-ubyte.gz').read(),np.uint8,offset=16).reshape(-1,28,28).astype(np.float32)/255
    y=np.frombuffer(gzip.open(d+s+'-labels-idx1-ubyte.gz').read(),np.uint8,offset=8).astype(np.int64); return torch.tensor(x),torch.tensor(y)
xtr,ytr=load('train'); xte,yte=load('t10k')
if what.startswith('csnn'):
    from spikingjelly.activation_based.examples.conv_fashion_mnist import CSNN
    net=CSNN(4,int(what[4:])); B=128; opt=torch.optim.SGD(net.parameters(),lr=.1,momentum=.9); f=lambda x: net(x[:,None])
    sch=torch.optim.lr_scheduler.CosineAnnealingLR(opt,epochs)
elif what=='snn':
    import snntorch as snn, snntorch.functional as SF
    from snntorch import surrogate as ss, utils
    g=ss.fast_sigmoid(slope=25);beta=.5;B=128
    net=nn.Sequential(nn.Conv2d(1,12,5),nn.MaxPool2d(2),snn.Leaky(beta=beta,spike_grad=g,init_hidden=True),nn.Conv2d(12,64,5),nn.MaxPool2d(2),snn.Leaky(beta=beta,spike_grad=g,init_hidden=True),nn.Flatten(),nn.Linear(1024,10),snn.Leaky(beta=beta,spike_grad=g,init_hidden=True,output=True))
    opt=torch.optim.Adam(net.parameters(),lr=1e-2,betas=(.9,.999)); sch=None
    xtr,ytr,xte,yte=xtr[::10],ytr[::10],xte[::10],yte[::10]   # data_subset(10)
    def f(x):
        utils.reset(net); return torch.stack([net(x[:,None])[0] for _ in range(50)])
else:
    IF=lambda d=False: neuron.IFNode(surrogate_function=surrogate.ATan(), detach_reset=d)
    body={'plain':lambda:[layer.Linear(28,32),IF(),layer.Linear(32,10),IF()],
     'feedback':lambda:[layer.Linear(28,32),layer.LinearRecurrentContainer(IF(True),in_features=32,out_features=32,bias=True),layer.Linear(32,10),IF()],
     'synapse':lambda:[layer.Linear(28,32),IF(),layer.SynapseFilter(tau=2.,learnable=True),layer.Linear(32,10),IF()]}[what]()
    net=nn.Sequential(*body); functional.set_step_mode(net,'m'); B=256; opt=torch.optim.Adam(net.parameters(),lr=1e-3)
    sch=torch.optim.lr_scheduler.CosineAnnealingLR(opt,epochs); f=lambda x: net(x.permute(2,0,1)).mean(0)
for ep in range(epochs):
    t=time.time(); net.train(); p=torch.randperm(len(xtr)); n=c=0; L=0.
    for i in range(0,len(p)-B+1,B):
        x,y=xtr[p[i:i+B]],ytr[p[i:i+B]]; opt.zero_grad(); o=f(x)
        if what=='snn': l=SF.ce_rate_loss()(o,y); pr=o.sum(0).argmax(1)
        else: l=F.mse_loss(o,F.one_hot(y,10).float()); pr=o.argmax(1)
        l.backward(); opt.step(); functional.reset_net(net) if what!='snn' else None; n+=B; c+=(pr==y).sum().item(); L+=l.item()*B
    if sch: sch.step()
    net.eval(); m=k=0
    with torch.no_grad():
        for i in range(0,len(xte),500):
            o=f(xte[i:i+500]); pr=(o.sum(0) if what=='snn' else o).argmax(1); k+=(pr==yte[i:i+500]).sum().item(); m+=len(pr)
            functional.reset_net(net) if what!='snn' else None
    print(f'{what} seed {seed} epoch {ep} loss {L/n:.4f} train {c/n:.4f} test {k/m:.4f} {time.time()-t:.1f}s',flush=True)
