/* Layers that the reference files do not hold, against numbers that SpikingJelly 2.0 gave in double: sums of the output, of the input's gradient and of all
 * parameters' gradients, each element times cos(its position). Parameters by name, inputs and upstream gradients are sines. */
#include "net.h"

typedef struct layer {
    const char *text;
    int rank;
    int64_t shape[4], T, N;
    double y, gx, gp;
} layer;

static const layer layers[] = {
    { "SpikingLSTM(3, 4, 2, bidirectional=true)", 1, { 3 }, 5, 2, 0.749364556414, -0.195966337135, -2.23671433656 },
    { "SpikingLSTM(3, 4, 1, surrogate_function2=ATan())", 1, { 3 }, 6, 3, 3.21578209322, -0.248559733357, 1.17983765136 },
    { "SpikingGRU(3, 4, 2)", 1, { 3 }, 5, 2, -1.19957034716, 0.394238865366, 0.41701538461 },
    { "SpikingGRU(2, 3, 1, bias=false, surrogate_function2=ATan(), bidirectional=true)", 1, { 2 }, 4, 2, 1.94752650166, -2.70061819844, -5.38017340479 },
    { "SpikingVanillaRNN(3, 4, 2, bidirectional=true)", 1, { 3 }, 5, 2, 0.972089566323, 2.54977361742, 6.04363434654 },
    { "TemporalWiseAttention(4, 1)", 3, { 3, 2, 3 }, 4, 2, 0.178743968126, 39.9354814093, -1.28545285238 },
    { "TemporalWiseAttention(5, 2, dimension=2)", 1, { 6 }, 5, 2, -0.158872998517, 11.4511070458, -0.0296371040237 },
    { "MultiDimensionalAttention(4, 4, 2, 2)", 3, { 4, 3, 5 }, 4, 2, -0.201856676322, 5.69759189376, 0.30985999516 },
    { "MultiDimensionalAttention(2, 3, 1, 1, 7, use_temporal=false)", 3, { 3, 4, 4 }, 2, 2, -1.02584649185, 12.182672723, 2.00752577536 },
    { "ChannelQKAttention(8, 2)", 2, { 8, 4 }, 3, 2, -6.45898493259, 0.588902884186, -1.64314445138 },
    { "TokenQKAttention(8, 2)", 2, { 8, 4 }, 3, 2, -5.2948083437, -1.32148222413, -2.39373575864 },
    { "SpikingSelfAttention(8, 2)", 2, { 8, 4 }, 3, 2, -5.62949612308, 0.0627332536716, -1.72853237179 },
};

static double weighed(const double *v, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += v[i] * cos((double)i);
    return sum;
}

static void near(const char *text, const char *what, double got, double want) {
    if (!(fabs(got - want) <= 1e-8 * (1 + fabs(want)))) fail_msg("%s: %s: got %.12g, expected %.12g", text, what, got, want);
}

static void fill_param(net *n, int k) {
    const hk_param_info *p = hk_network_param(n->net, k);
    const size_t end = strlen(p->name);
    int bytes = 0;
    if (end >= 19 && !strcmp(p->name + end - 19, "num_batches_tracked")) return;
    for (size_t i = 0; i < end; i++) bytes += (unsigned char)p->name[i];
    double *v = malloc((size_t)p->elems * sizeof *v);
    for (int64_t i = 0; i < p->elems; i++) v[i] = 1.7 * sin(1.3 * (double)i + bytes % 97) + (strstr(p->name, "running_var") ? 2 : 0);
    net_ok(hk_network_write_param64(n->net, k, v));
    free(v);
}

static void check(const layer *l) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    const hk_output out = { "y", 1, 0 };
    nc.backend = "ref";
    net n;
    net_make(&n, l->text, NULL, NULL, nc, (hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD | HK_EVAL, 1, &out });
    for (int k = 0; k < hk_network_n_param(n.net); k++) fill_param(&n, k);
    net_ok(hk_executor_shape(n.ex, l->T, l->N, 1, l->rank, l->shape));
    int rank;
    int64_t nx = l->T * l->N, ny = 1, dims[HK_MAX_RANK + 2];
    net_ok(hk_executor_dims(n.ex, "y", &rank, dims));
    for (int i = 0; i < l->rank; i++) nx *= l->shape[i];
    for (int i = 0; i < rank; i++) ny *= dims[i];
    double *x = malloc((size_t)nx * sizeof *x), *y = malloc((size_t)ny * sizeof *y), gp = 0;
    for (int64_t i = 0; i < nx; i++) x[i] = 1.5 * sin(0.37 * (double)i);
    net_ok(hk_executor_write(n.ex, "x", HK_F64, x, nx));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_read(n.ex, "y", HK_F64, y, ny));
    near(l->text, "output", weighed(y, ny), l->y);
    for (int64_t i = 0; i < ny; i++) y[i] = sin((double)i + 1);
    net_ok(hk_executor_write(n.ex, "grad_out:y", HK_F64, y, ny));
    net_ok(hk_executor_backward(n.ex));
    net_ok(hk_executor_read(n.ex, "grad:x", HK_F64, x, nx));
    near(l->text, "gradient of x", weighed(x, nx), l->gx);
    for (int k = 0; k < hk_network_n_param(n.net); k++) {
        const hk_param_info *p = hk_network_param(n.net, k);
        char name[160];
        if (!p->learnable) continue;
        double *v = malloc((size_t)p->elems * sizeof *v);
        snprintf(name, sizeof name, "grad:%s", p->name);
        net_ok(hk_executor_read(n.ex, name, HK_F64, v, p->elems));
        gp += weighed(v, p->elems);
        free(v);
    }
    near(l->text, "gradients of the parameters", gp, l->gp);
    free(x), free(y);
    net_free(&n);
}

static void test_layers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) check(&layers[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_layers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
