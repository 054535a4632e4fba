#!/usr/bin/env bash
# Hillock beside SpikingJelly and snnTorch on this machine: installs the peers in a virtual environment (once), runs both in turn and writes the table of
# docs/performance.md.
#     scripts/compare_peers.sh [--venv DIR] [--rounds 3] [--eager] [WORKLOAD ...]
# --venv: the environment's folder (build/peers; one that has the packages is used as it is). Every other option: bench/peers/compare.py --help.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$top/build/peers
args=()
while [ $# -gt 0 ]; do
    case $1 in
    --venv) venv=${2:?--venv: expected a folder}; shift 2 ;;
    --venv=*) venv=${1#*=}; shift ;;
    -h | --help) exec python3 "$top/bench/peers/compare.py" --help ;;
    *) args+=("$1"); shift ;;
    esac
done
[ -x "$top/build/bin/hillock" ] || { echo "compare_peers: build Hillock first: cmake --preset release && cmake --build --preset release" >&2; exit 2; }
if ! "$venv/bin/python" -c 'import torch, spikingjelly, snntorch, safetensors' 2>/dev/null; then
    echo "compare_peers: installing torch, spikingjelly, snntorch and safetensors in $venv (about 6 GB)" >&2
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet torch spikingjelly snntorch safetensors
fi
exec "$venv/bin/python" "$top/bench/peers/compare.py" ${args[@]+"${args[@]}"}
