/* csnn.c - the convolutional network of SpikingJelly's Fashion-MNIST tutorial, as a model pack.
 *
 *     {Conv2d 3x3 - BatchNorm2d - IF - MaxPool2d 2} x 2, Flatten, Linear(c 7 7, c 4 4) - IF, Linear(c 4 4, 10) - IF
 *
 * No biases, ATan everywhere; the pictures are constant over time. Layer names are those of the tutorial's Sequential, so that weights go
 * both ways. Source: spikingjelly.activation_based.examples.conv_fashion_mnist.CSNN. */
#include <hillock/plugin.h>
#include <stdio.h>

static const hk_field fields[] = {
    { "channels", HK_INT, 0, "128", 1, 65536, NULL, "channels of both convolutions" },
    { "T", HK_INT, HK_NULLABLE, "none", 1, 1 << 24, NULL, "time steps; given, it is checked against the run's" },
};

static hk_status csnn_init(hk_module *self) {
    const long long c = (long long)hk_get_int(self, "channels");
    static const char neuron[] = "IF(surrogate=ATan())", pool[] = "MaxPool2d(2, 2)";
    char text[5][96];
    const char *layer[14];
    snprintf(text[0], sizeof text[0], "Conv2d(1, %lld, kernel_size=3, padding=1, bias=false)", c);
    snprintf(text[1], sizeof text[1], "BatchNorm2d(%lld)", c);
    snprintf(text[2], sizeof text[2], "Conv2d(%lld, %lld, kernel_size=3, padding=1, bias=false)", c, c);
    snprintf(text[3], sizeof text[3], "Linear(%lld, %lld, bias=false)", c * 49, c * 16);
    snprintf(text[4], sizeof text[4], "Linear(%lld, 10, bias=false)", c * 16);
    int n = 0;
    for (int k = 0; k < 2; k++) layer[n++] = text[k ? 2 : 0], layer[n++] = text[1], layer[n++] = neuron, layer[n++] = pool;
    layer[n++] = "Flatten()";
    for (int k = 0; k < 2; k++) layer[n++] = text[3 + k], layer[n++] = neuron;
    for (int i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "conv_fc.%d", i);
        hk_status st = hk_add_child(self, name, layer[i]);
        if (st != HK_OK) return st;
    }
    return HK_OK;
}

static hk_status csnn_build(hk_builder *b, const hk_module *self, int n_in, const hk_value *in, int n_out, hk_value *out) {
    if (!hk_is_none(self, "T") && hk_get_int(self, "T") != hk_steps(b))
        return b->api->fail(b, HK_ESHAPE, "T=%lld was given, but the run has T=%lld", (long long)hk_get_int(self, "T"), (long long)hk_steps(b));
    hk_value v = in[0];
    for (int i = 0; i < hk_n_child(self); i++) {
        hk_value next;
        hk_module_build(b, hk_child(self, i), 1, &v, 1, &next);
        v = next;
    }
    out[0] = v;
    (void)n_in, (void)n_out;
    return HK_OK;
}

static hk_status init(const hk_host *host) {
    static const hk_module_type csnn = {
        .struct_size = sizeof csnn,
        .role = HK_CONTAINER,
        .doc = "convolutional spiking network for 28 x 28 pictures; output: spikes of 10 classes at each step",
        .source = "spikingjelly.activation_based.examples.conv_fashion_mnist.CSNN",
        .fields = fields,
        .n_fields = sizeof fields / sizeof *fields,
        .init = csnn_init,
        .build = csnn_build,
    };
    return host->add(host->ctx, "hk.module/1", "CSNN", &csnn);
}

HK_PLUGIN("hillock.models.csnn", "0.1.0", "Apache-2.0", init);
