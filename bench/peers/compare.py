"""Hillock beside its peers: runs both in turn, several rounds, and writes the table of docs/performance.md. Started by scripts/compare_peers.sh.

For each workload: Hillock's initial weights are exported and given to the peers; then each round runs Hillock, every variant of the peer (eager and
compiled, where that works) and Hillock again, one after the other. A number is the median of the runs' medians. Ratios are to the faster variant. Peak memory is the whole
process's (wait4). What was measured is kept in a JSON file, so that workloads can be measured one by one; the table has all that is kept."""
import argparse, datetime, json, os, platform, re, shlex, statistics, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LINE = re.compile(r'^(.*?) (train|infer|step) B=(\d+) threads=(\d+) compile=(?:True|False): ([\d.]+) img/s  ([\d.]+) it/s')
RATES = re.compile(r'^(.*?) rates: (.*)$')

# name, iterations of a run, {phase: (must, stretch)}, peer runs: (title, arguments, rates come from it). Must and stretch: ratios to the faster peer.
WORKLOADS = {
    'csnn': (4, {'train': (5, 7), 'infer': (5, 8)}, [('eager', 'csnn', True), ('compiled', 'csnn --compile', False)]),
    'seq-plain': (40, {'train': (3.5, 5), 'infer': (5, 8)}, [('eager', 'seq-plain', True), ('compiled', 'seq-plain --compile', False)]),
    'seq-feedback': (40, {'train': (5, 10), 'infer': (5, 8)}, [('eager', 'seq-feedback', True), ('compiled', 'seq-feedback --compile', False)]),
    'seq-synapse': (40, {'train': (5, 10), 'infer': (5, 8)}, [('eager', 'seq-synapse', True), ('compiled', 'seq-synapse --compile', False)]),
    'lif-fc': (10, {'train': (25, 40), 'infer': (25, 40)}, [('eager', 'lif-fc', True)]),
    'snn-conv': (2, {'train': (4, 6), 'infer': (5, 8)}, [('eager', 'snn-conv', True), ('compiled', 'snn-conv --compile', False),
                                                       ('SpikingJelly eager', 'snn-conv-sj', False), ('SpikingJelly compiled', 'snn-conv-sj --compile', False)]),
    'neuron': (10, {'train': (4, 6), 'infer': (6, 9)}, [('eager', 'neuron', False), ('compiled', 'neuron --compile', False)]),
    'stream-csnn': (0, {'step': (20, 20)}, [('eager', 'stream-csnn', False)]),
    'stream-lif-fc': (0, {'step': (20, 20)}, [('eager', 'stream-lif-fc', False)]),
    'stream-snn-conv': (0, {'step': (20, 20)}, [('eager', 'stream-snn-conv', False)]),
}
NOT_OF_PEER = ('snntorch Leaky',)  # printed by the peers' benchmark beside the neuron that is compared


def run(command, prefix):
    """Output lines and peak memory in MB; None when it failed."""
    with tempfile.TemporaryFile('w+') as out:
        p = subprocess.Popen(prefix + command, stdout=out, stderr=subprocess.PIPE, text=True)
        err = p.stderr.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        lines = out.read().splitlines()
    if p.returncode:
        print(f'  failed ({p.returncode}): {shlex.join(command)}\n' + '\n'.join(err.splitlines()[-5:]), file=sys.stderr)
        return None
    return lines, usage.ru_maxrss / 1024


def parse(lines):
    speed, rates = {}, {}
    for l in lines:
        m = LINE.match(l)
        if m and m.group(1) not in NOT_OF_PEER: speed[m.group(2)] = max(speed.get(m.group(2), 0), float(m.group(5)))  # of several variants in one run, the faster
        m = RATES.match(l)
        if m: rates = [float(v) for v in m.group(2).split()[1::2]]
    return speed, rates


def weights(a, name, folder):
    """Hillock's initial weights: of a training whose learning rate is 0."""
    if name == 'neuron' or name.startswith('stream'): return []
    ini = os.path.join(ROOT, 'bench', name + '.ini')
    batch = re.search(r'^batch = (\d+)', open(ini).read(), re.M).group(1)
    out, file = os.path.join(folder, name), os.path.join(folder, name + '.safetensors')
    sets = ['train.lr=0', f'data.limit={batch}', f'data.test_limit={batch}', f'train.test_batch={batch}']
    for command in ([a.hillock, 'train', ini, '--quiet', '--out', out] + [x for s in sets for x in ('--set', s)],
                    [a.hillock, 'export', 'weights', '--checkpoint', os.path.join(out, 'checkpoint_latest.safetensors'), '--out', file]):
        if run(command, a.prefix) is None: raise SystemExit(1)
    return ['--weights', file]


def measure(a, name, folder):
    iters, _, peers = WORKLOADS[name]
    w = weights(a, name, folder)
    ours = [a.hillock, 'bench'] + name.split('-', 1)[:1] + name.split('-', 1)[1:] if name.startswith('stream') else [a.hillock, 'bench', name]
    ours += ['--threads', str(a.threads)] + ([] if name.startswith('stream') else ['--iters', str(iters)])
    ours += [x for s in a.set for x in ('--set', s)]
    got = {'hillock': {}, 'memory': {}, 'rates': {}, 'peers': {}}
    def add(title, result, into):
        speed, rates = parse(result[0])
        for phase, v in speed.items(): into.setdefault(phase, []).append(v)
        got['memory'][title] = max(got['memory'].get(title, 0), result[1])
        if rates: got['rates'][title] = rates
        print(f'  {title}: ' + '  '.join(f'{k} {v:.4g}/s' for k, v in speed.items()) + f'  {result[1]:.0f} MB', flush=True)
    failed = set()
    for r in range(a.rounds):
        print(f'{name}, round {r + 1} of {a.rounds}', flush=True)
        result = run(ours, a.prefix)
        if result is None: return None
        add('hillock', result, got['hillock'])
        for title, arguments, with_rates in peers:
            if title in failed or ('compile' in arguments and a.eager): continue
            command = [sys.executable, os.path.join(HERE, 'peer_bench.py')] + arguments.split() + ['--threads', str(a.threads)] + (['--iters', str(iters)] if iters else [])
            result = run(command + (w + ['--rates'] if with_rates else []), a.prefix)
            if result is None: failed.add(title)
            else: add(title, result, got['peers'].setdefault(title, {}))
        result = run(ours, a.prefix)
        if result: add('hillock', result, got['hillock'])
    got['when'] = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC')
    got['rounds'], got['threads'], got['set'] = a.rounds, a.threads, a.set
    return got


def facts(a):
    def first(path, key):
        try: return next((l.split(':', 1)[1].strip() for l in open(path) if l.startswith(key)), '?')
        except OSError: return '?'
    flags = first('/proc/cpuinfo', 'flags').split()
    version = lambda m: __import__('importlib.metadata').metadata.version(m)
    return {'cpu': first('/proc/cpuinfo', 'model name'), 'isa': 'AVX-512' if 'avx512f' in flags else 'AVX2' if 'avx2' in flags else 'neither AVX2 nor AVX-512',
            'cpus': len(os.sched_getaffinity(0)), 'kernel': platform.release(), 'python': platform.python_version(),
            'hillock': subprocess.run([a.hillock, '--version'], capture_output=True, text=True).stdout.strip(),
            'versions': ', '.join(f'{m} {version(m).split("+")[0]}' for m in ('torch', 'spikingjelly', 'snntorch'))}


def number(v): return f'{v/1e6:.0f} M' if v >= 1e7 else f'{v/1e3:.0f} k' if v >= 1e4 else f'{v:.0f}'


def rate_text(ours, theirs):
    """Layers' firing rates, and how far apart at most; rates below 0.002 are compared by their difference."""
    if not ours or not theirs or len(ours) != len(theirs): return '-', '-'
    off = max((0 if abs(x - y) <= 0.002 else 1) if max(x, y) < 0.002 else abs(x - y) / max(y, 1e-9) for x, y in zip(ours, theirs))
    text = lambda r: ', '.join(f'{v:.4f}' for v in r)
    return f'{text(ours)} / {text(theirs)}', f'{100 * off:.0f} %'


def tables(kept):
    f = kept['facts']
    yield (f'{f["cpu"]} ({f["isa"]}), {f["cpus"]} processors, Linux {f["kernel"]}; {f["hillock"]}; {f["versions"]}, Python {f["python"]}. Images (for `neuron`: neuron steps, for `stream`: time '
           'steps) per second, median of the rounds; in brackets the lowest and the highest round. Ratio: to the fastest variant of the peer.')
    yield ''
    yield '| workload | phase | Hillock | peer eager | peer compiled | ratio | must | stretch | measured |'
    yield '|---|---|---|---|---|---|---|---|---|'
    for name, (_, phases, _) in WORKLOADS.items():
        got = kept['workloads'].get(name)
        if not got: continue
        for i, (phase, (must, stretch)) in enumerate(phases.items()):
            ours = got['hillock'].get(phase)
            if not ours: continue
            best = {k: max((statistics.median(v[phase]) for t, v in got['peers'].items() if phase in v and ('compiled' in t) == k), default=0) for k in (False, True)}
            m, top = statistics.median(ours), max(best.values())
            ratio = f'**{m/top:.1f}x**' if top and m / top >= must else f'{m/top:.1f}x' if top else '-'
            how = f'{got["when"]}, {got["rounds"]} rounds, {got["threads"]} threads' + (', ' + ' '.join(got['set']) if got['set'] else '')
            yield (f'| {"`" + name + "`" if i == 0 else ""} | {phase} | {number(m)} ({number(min(ours))} to {number(max(ours))}) | {number(best[False]) if best[False] else "-"} | '
                   f'{number(best[True]) if best[True] else "-"} | {ratio} | {must:g}x | {stretch:g}x | {how if i == 0 else ""} |')
    yield ''
    yield 'Peak memory of the whole process, training and inference; firing rates by layer, Hillock / peer, after the same training steps from the same initial weights on the same batch:'
    yield ''
    yield '| workload | Hillock | peer (its smallest variant) | Hillock / peer | firing rates | apart at most |'
    yield '|---|---|---|---|---|---|'
    for name in WORKLOADS:
        got = kept['workloads'].get(name)
        if not got or not got['peers']: continue
        ours, theirs = got['memory']['hillock'], min(v for k, v in got['memory'].items() if k != 'hillock')
        text, off = rate_text(got['rates'].get('hillock'), got['rates'].get('eager'))
        yield f'| `{name}` | {ours:.0f} MB | {theirs:.0f} MB | 1 / {theirs/ours:.1f} | {text} | {off} |'


def write(doc, text):
    begin, end = '<!-- compare_peers: begin -->\n', '<!-- compare_peers: end -->\n'
    old = open(doc).read()
    if begin not in old or end not in old: raise SystemExit(f'{doc}: expected the lines {begin.strip()} and {end.strip()}')
    open(doc, 'w').write(old[:old.index(begin) + len(begin)] + text + old[old.index(end):])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('workload', nargs='*', help='which (default: all): ' + ' '.join(WORKLOADS))
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument('--table', action='store_true', help='measure nothing: write the table of what is kept')
    p.add_argument('--eager', action='store_true', help='leave out the compiled variants, which take a minute each')
    p.add_argument('--hillock', default=os.path.join(ROOT, 'build', 'bin', 'hillock'))
    p.add_argument('--set', action='append', default=[], help="for Hillock's runs, as hillock bench --set")
    p.add_argument('--prefix', type=shlex.split, default=[], help='command before each run, as "numactl --cpunodebind=0"')
    p.add_argument('--results', default=os.path.join(ROOT, 'build', 'compare_peers.json'), help='where results are kept; the table has all of them')
    p.add_argument('--doc', default=os.path.join(ROOT, 'docs', 'performance.md'))
    a = p.parse_args()
    for w in a.workload:
        if w not in WORKLOADS: p.error(f'{w}: expected one of {" ".join(WORKLOADS)}')
    kept = json.load(open(a.results)) if os.path.exists(a.results) else {'workloads': {}}
    now = facts(a)
    if kept.get('facts', now)['cpu'] != now['cpu']: kept = {'workloads': {}}  # another machine
    kept['facts'] = now
    if a.table and not kept['workloads']: p.error(f'--table: nothing is kept in {a.results}')
    with tempfile.TemporaryDirectory() as folder:
        for name in [] if a.table else a.workload or WORKLOADS:
            got = measure(a, name, folder)
            if got is None: continue
            kept['workloads'][name] = got
            json.dump(kept, open(a.results, 'w'), indent=1)
    text = '\n'.join(tables(kept)) + '\n'
    print(text)
    write(a.doc, text)


main()
