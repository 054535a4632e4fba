/* @name@.c - @Type@, a model pack: two linear layers, a leaky neuron behind each. Its state_dict names are fc1.weight, fc1.bias, fc2.weight, fc2.bias. */
#include <hillock/plugin.h>
#include <stdio.h>

static const hk_field fields[] = {
    { "in", HK_INT, 0, NULL, 1, 1 << 20, NULL, "numbers of an input" },
    { "hidden", HK_INT, 0, "100", 1, 1 << 20, NULL, "neurons between" },
    { "out", HK_INT, 0, NULL, 1, 1 << 20, NULL, "classes" },
    { "tau", HK_REAL, 0, "2.0", 1, 1e6, NULL, "membrane time constant, in steps" },
};

/* Children are made from constructor text, under the names that the state_dict shall have. */
static hk_status type_init(hk_module *self) {
    const long long in = (long long)hk_get_int(self, "in"), hidden = (long long)hk_get_int(self, "hidden"), out = (long long)hk_get_int(self, "out");
    char fc1[80], fc2[80], neuron[80];
    snprintf(fc1, sizeof fc1, "Linear(%lld, %lld)", in, hidden);
    snprintf(fc2, sizeof fc2, "Linear(%lld, %lld)", hidden, out);
    snprintf(neuron, sizeof neuron, "LIF(tau=%.9g, surrogate=ATan())", hk_get_real(self, "tau"));
    const char *const child[][2] = { { "flatten", "Flatten()" }, { "fc1", fc1 }, { "sn1", neuron }, { "fc2", fc2 }, { "sn2", neuron } };
    hk_status st = HK_OK;
    for (size_t i = 0; i < sizeof child / sizeof child[0] && !st; i++) st = hk_add_child(self, child[i][0], child[i][1]);
    return st;
}

/* Here one after the other; skips and branches are written in this function too. */
static hk_status build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    (void)n_in, (void)n_out;
    hk_value v = in[0];
    for (int i = 0; i < hk_n_child(self); i++) {
        hk_value next = HK_NONE;
        hk_module_build(b, hk_child(self, i), 1, &v, 1, &next);
        v = next;
    }
    out[0] = v;
    return HK_OK;
}

static const hk_module_type type = {
    .struct_size = sizeof(hk_module_type),
    .role = HK_CONTAINER,
    .doc = "Linear, LIF, Linear, LIF; output: the spikes of the classes at each step",
    .source = "your paper",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .init = type_init,
    .build = build,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.module/1", "@Type@", &type); }

HK_PLUGIN("@name@", "0.1", "Apache-2.0", init);
