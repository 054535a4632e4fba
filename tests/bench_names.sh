#!/usr/bin/env bash
# Every name of hillock bench runs at small sizes and prints well-formed lines, as text and as JSON; an unknown one gets a suggestion. A neuron of a plugin
# from outside can be timed beside LIF.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_data
export HILLOCK_BENCH_DIR=$source_dir/bench
line='B=[0-9]+ threads=[0-9]+ compile=False: [0-9.]+ img/s  [0-9.]+ it/s  \([0-9.]+ ms, min [0-9.]+\)'
part='threads=2: +[0-9.]+ (GFLOP/s|GB/s) +[0-9.]+ % of (peak|triad)  \([0-9.]+ ms, min [0-9.]+\)'
peak='peak threads=2: [0-9.]+ GFLOP/s .*  [0-9.]+ GB/s '
run() { # run "what it prints" COUNT NAME ARGUMENTS...
    local pattern=$1 count=$2 name=$3
    shift 3
    "$hillock" bench "$name" --threads 2 --iters 1 "$@" >"$work/out" 2>&1 || { cat "$work/out"; fail "bench $name $*"; }
    check
    local n
    n=$(grep -cE "^$name.*$pattern" "$work/out" || true)
    [ "$n" -ge "$count" ] || { cat "$work/out"; fail "bench $name $*: expected $count lines like '$pattern', got $n"; }
    "$hillock" bench "$name" --threads 2 --iters 1 --json "$@" >"$work/json" 2>&1 || { cat "$work/json"; fail "bench $name $* --json"; }
    check
    while IFS= read -r object; do
        printf '%s\n' "$object" | "$build_dir/tests/hillock-json-flat" >/dev/null || { printf '%s\n' "$object"; fail "bench $name --json: no JSON"; }
    done <"$work/json"
    n=$(grep -c "\"name\": \"$name" "$work/json" || true)
    [ "$n" -ge "$count" ] || { cat "$work/json"; fail "bench $name --json: expected $count objects, got $n"; }
}
# The networks: one line for training, one for inference, and the rates in short.
networks="seq-plain seq-feedback seq-synapse lif-fc"
for name in $networks; do
    run "$line" 2 "$name" --batch 32
    grep -qE "^$name rates:( [^ ]+ [01]\.[0-9]+ ?)+$" "$work/out" || { "$hillock" bench "$name" --batch 32 --iters 1; fail "$name: no firing rates"; }
done
run "$line" 2 csnn --batch 16 --channels 4
run "$line" 2 snn-conv --batch 16 --T 5
# Single operations: each has its share of the machine's peak, which is measured in the same run.
run "$part" 3 gemm --batch 16
run "$peak" 1 gemm --batch 16
run "$part" 3 conv --batch 16 --T 1
run 'density +[0-9.]+ %: +[0-9.]+x dense' 4 spikes --batch 16 --T 1 --set "model.densities=0.1 0.5"
grep -qE '^spikes .* break-even: ' "$work/out" || fail "spikes: no break-even density"
run "$line  [0-9.]+ GB/s  [0-9]+ % of triad" 2 neuron --batch 16 --T 2
# One step at a time.
run "$line  latency of a step: p50 [0-9.]+ ms  p90 [0-9.]+ ms  p99 [0-9.]+ ms  max [0-9.]+ ms; [0-9.]+ steps/s, T=[0-9]+" 1 stream lif-fc
run "$line  latency of a step: " 1 stream csnn --channels 4

# A plugin from outside the tree, built by the compiler alone, in turn with LIF.
mkdir "$work/plugins"
cat >"$work/plugin.c" <<'TEXT'
#include <hillock/plugin.h>
HK_CHARGE_TEXT(outside,
enum { INV_TAU = N_COMMON };
hk_fn hk_real outside_charge(hk_real x, hk_real v, const hk_real *p) { return v + (x - v) * p[INV_TAU]; }
hk_fn void outside_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    gx[0] += g * p[INV_TAU];
    gv[0] += g * (1 - p[INV_TAU]);
    gp[INV_TAU] += g * (x - v);
})
HK_NEURON_KERNELS(outside, 1, 1, 1, 4, HK_NEURON_SPIKES)
static const hk_field fields[] = {
    { "tau", HK_REAL, 0, "2.0", 1, 1e9, NULL, "time constant" },
    { "surrogate", HK_OBJECT, 0, "ATan()", 0, 0, "hk.surrogate/1", "derivative of the step" },
    { "detach_reset", HK_BOOL, 0, "true", 0, 0, NULL, "no gradient through the reset" },
};
static const hk_state_field states[] = { { "v", "potential", "0" } };
static const char *const params[] = { "v_threshold", "v_reset", "soft", "1/tau" };
static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_const(b, 1.0), p[1] = p[2] = hk_const(b, 0.0), p[3] = hk_const(b, 1.0 / hk_get_real(self, "tau"));
}
static const hk_neuron_type type = { .struct_size = sizeof type, .flags = HK_NEURON_SPIKES, .doc = "leaky", .source = "this test", .fields = fields, .n_fields = 3,
    .n_state = 1, .n_fire = 1, .n_param = 4, .states = states, .param_names = params, .operands = operands, .text = outside_text, .prefix = "outside",
    .kernels = outside_kernels, .n_kernel = HK_N_KERNEL, .n_h = 1 };
static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "OutsideLIF", &type); }
HK_PLUGIN("outside.neurons", "1", "Apache-2.0", init);
TEXT
${CC:-cc} -shared -fPIC -I"$source_dir/include" -o "$work/plugins/outside.so" "$work/plugin.c" || fail "the plugin does not compile"
run "[0-9.]+ of lif's speed" 2 neuron --batch 16 --T 2 --set plugins.path="$work/plugins" --set "cases.1024.outside=OutsideLIF(tau=2.0)"

refuse() { # refuse "part of the message" ARGUMENTS...
    local code=0 part=$1
    shift
    "$hillock" bench "$@" >"$work/out" 2>&1 || code=$?
    check
    [ $code = 2 ] || { cat "$work/out"; fail "bench $*: exit code $code, expected 2"; }
    grep -qF "$part" "$work/out" || { cat "$work/out"; fail "bench $*: expected '$part'"; }
}
refuse "did you mean 'seq-plain'?" seq-plan
refuse "did you mean 'spikes'?" spike
refuse "did you mean 'csnn'?" stream cnn
refuse "expected the input's shape before the name" gemm --set "cases.fc=Linear(3, 4)"
refuse "expected up to 16 rising numbers" spikes --set "model.densities=0.5 0.1"
refuse "expected one workload or FILE.ini" gemm conv
finish
