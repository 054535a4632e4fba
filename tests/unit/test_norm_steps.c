/* test_norm_steps.c - batch normalisation inside a loop over time: by running statistics it gives what T networks of one step each give, whose
 * parameter gradients add; statistics of the batch are refused there by name. */
#include "net.h"

enum { T = 3, C = 2, H = 3, W = 2, PICTURE = C * H * W };

typedef struct result {
    double *y, *gx, gw[C], gb[C];
} result;

static result run(const char *backend, const char *text, int64_t steps, int64_t N, const double *x, const double *g, uint32_t passes_off) {
    const int64_t shape[3] = { C, H, W }, n = steps * N * PICTURE;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = backend, nc.passes_off = passes_off, nc.threads = 2;
    const hk_output out = { "y", 1, 0 };
    net k;
    net_make(&k, text, NULL, NULL, nc, (hk_executor_config){ sizeof(hk_executor_config), HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD | HK_EVAL, 1, &out });
    result r = { .y = malloc((size_t)n * sizeof(double)), .gx = malloc((size_t)n * sizeof(double)) };
    static const struct {
        const char *name;
        double v[C];
    } set[] = { { "weight", { 1.5, -0.75 } }, { "bias", { 0.25, 2.0 } }, { "running_mean", { 0.5, -1.0 } }, { "running_var", { 0.3, 2.5 } } };
    for (int i = 0; i < 4; i++) net_ok(hk_network_write_param64(k.net, hk_network_find_param(k.net, set[i].name), set[i].v));
    net_ok(hk_executor_shape(k.ex, steps, N, 1, 3, shape));
    net_ok(hk_executor_write(k.ex, "x", HK_F64, x, n));
    net_ok(hk_executor_write(k.ex, "grad_out:y", HK_F64, g, n));
    net_ok(hk_executor_run(k.ex));
    net_ok(hk_executor_read(k.ex, "y", HK_F64, r.y, n));
    net_ok(hk_executor_backward(k.ex));
    net_ok(hk_executor_read(k.ex, "grad:x", HK_F64, r.gx, n));
    net_ok(hk_executor_read(k.ex, "grad:weight", HK_F64, r.gw, C));
    net_ok(hk_executor_read(k.ex, "grad:bias", HK_F64, r.gb, C));
    net_free(&k);
    return r;
}

static void same(const char *what, int64_t N, const double *a, const double *b, int64_t n, double tolerance) {
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= tolerance * (1.0 + fabs(b[i])))) fail_msg("N=%lld: %s[%lld]: in a loop %.9g, step by step %.9g", (long long)N, what, (long long)i, a[i], b[i]);
}

static void running_statistics_in_a_loop(void **state) {
    (void)state;
    static const int64_t sizes[] = { 2, 16, 37 };
    static const char *const backends[] = { "ref", "cpu" };
    for (int k = 0; k < 12; k++) {
        const int64_t N = sizes[k % 3], row = N * PICTURE;
        const char *backend = backends[k / 3 % 2];
        const uint32_t off = k < 6 ? 0 : HK_PASS_FOLD_TIME | HK_PASS_HOIST;
        const double tolerance = k / 3 % 2 ? 2e-5 : 1e-12;
        double *x = malloc((size_t)(T * row) * sizeof *x), *g = malloc((size_t)(T * row) * sizeof *g), gw[C] = { 0 }, gb[C] = { 0 };
        uint64_t seed = 5;
        for (int64_t i = 0; i < T * row; i++) x[i] = (double)(i / row) + net_uniform(&seed, -1, 1), g[i] = net_uniform(&seed, -1, 1);
        result all = run(backend, "MultiStep(BatchNorm2d(2))", T, N, x, g, off);
        for (int t = 0; t < T; t++) {
            result one = run(backend, "BatchNorm2d(2)", 1, N, x + t * row, g + t * row, off);
            same("y", N, all.y + t * row, one.y, row, tolerance);
            same("grad:x", N, all.gx + t * row, one.gx, row, tolerance);
            for (int c = 0; c < C; c++) gw[c] += one.gw[c], gb[c] += one.gb[c];
            free(one.y), free(one.gx);
        }
        same("grad:weight", N, all.gw, gw, C, 10 * tolerance);
        same("grad:bias", N, all.gb, gb, C, 10 * tolerance);
        free(all.y), free(all.gx), free(x), free(g);
    }
}

static void refused(const char *text, uint32_t mode) {
    const int64_t shape[3] = { C, H, W };
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    net k;
    net_make(&k, text, NULL, NULL, nc, (hk_executor_config){ .struct_size = sizeof(hk_executor_config), .mode = mode });
    hk_status st = hk_executor_shape(k.ex, T, 4, 1, 3, shape);
    if (st != HK_EUNSUPPORTED || !strstr(hk_error(net_context()), "'BatchNorm2d'") || !strstr(hk_error(net_context()), "inside a loop over time"))
        fail_msg("%s: expected a refusal that names the layer and the loop, got %s: %s", text, hk_status_name(st), hk_error(net_context()));
    net_free(&k);
}

static void batch_statistics_in_a_loop_are_refused(void **state) {
    (void)state;
    refused("MultiStep(BatchNorm2d(2, track_running_stats=false))", HK_TRAIN);
    refused("MultiStep(BatchNorm2d(2, track_running_stats=false))", HK_INFER);
    refused("MultiStep(BatchNorm2d(2))", HK_TRAIN);
    refused("BatchNorm2d(2, step_mode=s)", HK_TRAIN);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(running_statistics_in_a_loop), cmocka_unit_test(batch_statistics_in_a_loop_are_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
