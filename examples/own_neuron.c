/* own_neuron.c - a program that brings its own neuron: the type, its registration with hk_plugin_add, and a network that learns with it.
 *
 * "Saturating": h = tanh(decay v + x), fires at h >= v_threshold, then v = v_reset. The same text would serve in a plugin's .so. */
#include <hillock/hillock.h>
#include <math.h>
#include <stdlib.h>

/* ---- the neuron: its charge, and the derivative of it ---- */

HK_CHARGE_TEXT(saturating,
enum { DECAY = N_COMMON };
hk_fn hk_real saturating_charge(hk_real x, hk_real v, const hk_real *p) {
    return hk_tanh(p[DECAY] * v + x);
}
hk_fn void saturating_charge_bwd(hk_real x, hk_real v, const hk_real *p, hk_real g, hk_real *gx, hk_real *gv, hk_real *gp) {
    hk_real h = hk_tanh(p[DECAY] * v + x);
    hk_real gu = g * (1 - h * h);
    gx[0] += gu;
    gv[0] += gu * p[DECAY];
    gp[DECAY] += gu * v;
})
enum { N_PARAM = 4 }; /* v_threshold, v_reset, soft reset (of every short form); decay */
HK_NEURON_KERNELS(saturating, 1, 1, 1, N_PARAM, HK_NEURON_SPIKES)

static const hk_field fields[] = {
    { "decay", HK_REAL, 0, "0.5", 0, 1, NULL, "what is left of the potential after a step" },
    { "v_threshold", HK_REAL, 0, "0.8", 0, 0, NULL, "firing threshold" },
    { "surrogate", HK_OBJECT, 0, "ATan()", 0, 0, "hk.surrogate/1", "derivative of the step" },
    { "detach_reset", HK_BOOL, 0, "false", 0, 0, NULL, "let no gradient through the reset" },
};
static const hk_state_field states[] = { { "v", "potential after the reset", "0" } };
static const char *const params[] = { "v_threshold", "v_reset", "soft_reset", "decay" };

static void operands(hk_builder *b, const hk_module *self, hk_value *p) {
    p[0] = hk_const(b, hk_get_real(self, "v_threshold"));
    p[1] = hk_const(b, 0.0);
    p[2] = hk_const(b, 0.0);
    p[3] = hk_const(b, hk_get_real(self, "decay"));
}

static const hk_neuron_type saturating = {
    .struct_size = sizeof(hk_neuron_type),
    .flags = HK_NEURON_SPIKES,
    .doc = "h = tanh(decay v + x); spike if h >= v_threshold; then v = 0",
    .source = "this program",
    .fields = fields,
    .n_fields = sizeof fields / sizeof fields[0],
    .n_state = 1,
    .n_fire = 1,
    .n_param = N_PARAM,
    .states = states,
    .param_names = params,
    .operands = operands,
    .text = saturating_text,
    .prefix = "saturating",
    .kernels = saturating_kernels,
    .n_kernel = HK_N_KERNEL,
    .n_h = 1,
};

static hk_status init(const hk_host *host) { return host->add(host->ctx, "hk.neuron/1", "Saturating", &saturating); }
static const hk_plugin_entry entry = { HK_PLUGIN_MAGIC, sizeof(hk_plugin_entry), HK_ABI_MAJOR, HK_ABI_MINOR, HK_ABI_PRINT, "example.own_neuron", "1.0", "Apache-2.0", NULL, init, NULL };

/* ---- the program ---- */

static hk_context *ctx;
static void check(hk_status st) {
    if (st) fprintf(stderr, "own_neuron: %s\n", ctx ? hk_error(ctx) : hk_status_text(st)), exit(hk_status_exit_code(st));
}

/* One neuron, beside the same in plain C. */
static void watch(void) {
    enum { T = 8 };
    const float x[T] = { 0.3f, 0.4f, 0.5f, 0.9f, 0.1f, 1.2f, 0.7f, 0.2f };
    const hk_output outputs[] = { { ":v", 0, 0 } };
    float y[T], v[T], plain = 0;
    hk_module *root;
    hk_network *net;
    hk_executor *ex;
    check(hk_module_new_from_text(ctx, "hk.module/1", "Saturating(decay=0.6)", &root));
    check(hk_network_new(ctx, root, NULL, &net));
    check(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 1, outputs }, &ex));
    check(hk_executor_shape(ex, T, 1, 1, 1, (int64_t[]){ 1 }));
    check(hk_executor_write(ex, "x", HK_F32, x, T));
    check(hk_executor_run(ex));
    check(hk_executor_read(ex, "y", HK_F32, y, T));
    check(hk_executor_read(ex, ":v", HK_F32, v, T));
    for (int t = 0; t < T; t++) {
        float h = tanhf(0.6f * plain + x[t]), spike = h >= 0.8f;
        plain = spike != 0 ? 0 : h;
        printf("t = %d  x = %.1f  spike = %.0f  v = %.5f  in plain C: spike = %.0f  v = %.5f\n", t, (double)x[t], (double)y[t], (double)v[t], (double)spike, (double)plain);
    }
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root);
}

/* Sixteen samples of two classes, which light up different halves of the input. */
static void learn(void) {
    enum { T = 8, N = 16, IN = 4, CLASSES = 2 };
    float x[N][IN];
    int64_t target[N];
    for (int n = 0; n < N; n++) {
        target[n] = n % CLASSES;
        for (int i = 0; i < IN; i++) x[n][i] = (i / 2 == n % CLASSES ? 1.0f : 0.2f) * (0.8f + 0.05f * (float)(n / CLASSES));
    }
    hk_module *root, *loss, *optimizer;
    hk_network *net;
    hk_executor *ex;
    check(hk_module_new_sequential(ctx, 2, (const char *[]){ "fc", "neuron" }, (const char *[]){ "Linear(4, 2)", "Saturating()" }, &root));
    check(hk_module_new_from_text(ctx, "hk.module/1", "MSE()", &loss));
    check(hk_module_new_from_text(ctx, "hk.optimizer/1", "Adam(lr=0.05)", &optimizer));
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.loss = loss, nc.optimizer = optimizer, nc.seed = 1;
    check(hk_network_new(ctx, root, &nc, &net));
    check(hk_executor_new(net, &(hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, 0, 0, NULL }, &ex));
    check(hk_executor_shape(ex, T, N, 0, 1, (int64_t[]){ IN }));
    for (int step = 0; step < 40; step++) {
        double value, correct;
        check(hk_executor_write(ex, "x", HK_F32, x, N * IN));
        check(hk_executor_write(ex, "target", HK_I64, target, N));
        check(hk_executor_run(ex)); /* forward, backward and the optimizer's step */
        check(hk_executor_read(ex, "loss", HK_F64, &value, 1));
        check(hk_executor_read(ex, "correct", HK_F64, &correct, 1));
        if (step % 13 == 0) printf("step %2d  loss %.4f  correct %2.0f/%d\n", step, value, correct, N);
    }
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_module_free(loss), hk_module_free(optimizer);
}

int main(void) {
    check(hk_context_new(NULL, &ctx));
    check(hk_plugin_add(ctx, &entry)); /* before the first network */
    watch();
    learn();
    hk_context_free(ctx);
    return 0;
}
