/* two_layer.c - a model pack: TwoLayer(in, hidden, out), two Linear layers with a leaky neuron behind each. Its state_dict names are
 * fc1.weight, fc1.bias, fc2.weight, fc2.bias. */
#include <hillock/plugin.h>
#include <stdio.h>

static const hk_field fields[] = {
    { "in", HK_INT, 0, NULL, 1, 1 << 20, NULL, "numbers of an input" },
    { "hidden", HK_INT, 0, "32", 1, 1 << 20, NULL, "neurons between" },
    { "out", HK_INT, 0, NULL, 1, 1 << 20, NULL, "classes" },
};

static hk_status pack_init(hk_module *self) {
    const long long in = (long long)hk_get_int(self, "in"), hidden = (long long)hk_get_int(self, "hidden"), out = (long long)hk_get_int(self, "out");
    char fc1[64], fc2[64];
    snprintf(fc1, sizeof fc1, "Linear(%lld, %lld)", in, hidden);
    snprintf(fc2, sizeof fc2, "Linear(%lld, %lld)", hidden, out);
    const char *const child[][2] = { { "fc1", fc1 }, { "sn1", "LIF(tau=2.0, surrogate=ATan())" }, { "fc2", fc2 }, { "sn2", "LIF(tau=2.0, surrogate=ATan())" } };
    hk_status st = HK_OK;
    for (int i = 0; i < 4 && st == HK_OK; i++) st = hk_add_child(self, child[i][0], child[i][1]);
    return st;
}

static hk_status pack_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    hk_value v = in[0];
    (void)n_in, (void)n_out;
    for (int i = 0; i < hk_n_child(self); i++) {
        hk_value next = HK_NONE;
        hk_module_build(b, hk_child(self, i), 1, &v, 1, &next);
        v = next;
    }
    out[0] = v;
    return HK_OK;
}

static const hk_module_type two_layer = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_CONTAINER,
    .doc = "Linear, LIF, Linear, LIF; output: spikes of the classes at each step",
    .source = "an example",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = pack_init,
    .build = pack_build,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.module/1", "TwoLayer", &two_layer); }

HK_PLUGIN("example.two_layer", "1.0", "Apache-2.0", init);
