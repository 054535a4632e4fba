/* spike_figures.c - pictures of a running network: 20 leaky neurons under a current that grows; their spikes, rates, potentials. Usage: spike_figures [FOLDER] */
#include <hillock/hillock.h>
#include <hillock/plot.h>
#include <math.h>
#include <stdlib.h>

enum { T = 60, N = 20 };
static hk_context *ctx;
static char why[512];
static void check(hk_status st) {
    if (st) fprintf(stderr, "spike_figures: %s\n", why[0] ? why : ctx ? hk_error(ctx) : hk_status_text(st)), exit(hk_status_exit_code(st));
}
static const char *in(const char *folder, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : ".";
    static float x[T][N], y[T][N], v[T][N];
    const int64_t shape[1] = { N };
    double spikes = 0;
    for (int t = 0; t < T; t++) /* stronger from neuron to neuron; drawn at random around it */
        for (int n = 0; n < N; n++) x[t][n] = 0.15f * (float)n * hk_random(1, 0, 0, t, 0, n);
    hk_module *root;
    hk_network *net;
    hk_executor *ex;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    const hk_output out[] = { { .name = ":v" } }; /* the potential of the only layer, beside its spikes */
    const hk_executor_config ec = { .struct_size = sizeof ec, .mode = HK_INFER, .n_output = 1, .outputs = out };
    check(hk_context_new(NULL, &ctx));
    check(hk_module_new_from_text(ctx, "hk.module/1", "LIF(tau=2.0)", &root));
    check(hk_network_new(ctx, root, &nc, &net));
    check(hk_executor_new(net, &ec, &ex));
    check(hk_executor_shape(ex, T, 1, 1, 1, shape));
    check(hk_executor_write(ex, "x", HK_F32, x, T * N));
    check(hk_executor_run(ex));
    check(hk_executor_read(ex, "y", HK_F32, y, T * N));
    check(hk_executor_read(ex, ":v", HK_F32, v, T * N));
    for (int i = 0; i < T * N; i++) spikes += (double)y[i / N][i % N];

    hk_plot o = { .struct_size = sizeof o, .title = "20 LIF neurons, input from 0 to 2.85" };
    check(hk_plot_spikes(&o, &y[0][0], T, N, in(folder, "spikes.svg"), why, sizeof why));
    o.title = "Spikes", o.value_label = "";
    check(hk_plot_bars3d(&o, &y[0][0], T, N, in(folder, "bars3d.png"), why, sizeof why));
    o.title = "Membrane potential", o.value_label = "v";
    check(hk_plot_heatmap(&o, &v[0][0], T, N, in(folder, "potentials.png"), why, sizeof why));
    float v3[T][3], y3[T][3];
    for (int t = 0; t < T; t++)
        for (int k = 0; k < 3; k++) v3[t][k] = v[t][5 + 6 * k], y3[t][k] = y[t][5 + 6 * k];
    o.names = (const char *const[]){ "neuron 5", "neuron 11", "neuron 17" };
    check(hk_plot_membrane(&o, &v3[0][0], &y3[0][0], T, 3, 1.0, 0.0, in(folder, "membrane.pdf"), why, sizeof why));
    printf("%.0f spikes in %d steps of %d neurons: spikes.svg bars3d.png potentials.png membrane.pdf\n", spikes, T, N);
    hk_executor_free(ex), hk_network_free(net), hk_module_free(root), hk_context_free(ctx);
    return 0;
}
