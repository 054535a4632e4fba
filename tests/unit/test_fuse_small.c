/* Fusion of small networks: tables of spikes and columns of pictures give the spikes and gradients of the operations one by one; the same bits for any
 * number of threads and block size; backends that do not take them decline. */
#include "net.h"
#include <stdbool.h>

typedef struct work {
    const char *text;
    int64_t T, N, H;
    const char *impl[3]; /* must be in the fused plan */
} work;

static const work works[] = {
    { "Sequential(ColumnAsTime(), Linear(9, 32), IF(surrogate=ATan()), Linear(32, 10), IF(surrogate=ATan()))", 7, 37, 9, { " columns ", " table", "spike_table" } },
    { "Sequential(ColumnAsTime(), Linear(9, 20), LinearRecurrent(LIF(surrogate=ATan(), detach_reset=true), in_features=20, out_features=20), Linear(20, 3), IF(surrogate=ATan()))", 6, 33, 9,
        { " columns ", " table", "spike_table" } },
    { "Sequential(ColumnAsTime(), Linear(5, 12), IF(surrogate=Sigmoid()), SynapseFilter(tau=2.0, learnable=true), Linear(12, 4), LIF(tau=1.5, surrogate=ATan()))", 5, 16, 5,
        { " columns ", " columns ", " columns " } },
};
enum { N_WORK = sizeof works / sizeof *works };

static char *plan_text(net *n) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    net_ok(hk_executor_print(n->ex, f));
    fclose(f);
    return text;
}

/* One training step; returns y, then the gradient of x and of every parameter. */
static float *train(const work *w, const char *backend, uint32_t passes_off, int threads, int64_t nb, int64_t *count, char **plan) {
    const hk_output out = { "y", 1, 0 };
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD, 1, &out };
    c.threads = threads, c.passes_off = passes_off, c.nb = nb, c.seed = 5, c.backend = backend;
    net n;
    net_make(&n, w->text, NULL, NULL, c, ec);
    int64_t xs = w->N * w->H * w->T, ys = w->T * w->N, at = 0, all = 0;
    net_ok(hk_executor_shape(n.ex, w->T, w->N, 0, 3, (int64_t[]){ 1, w->H, w->T }));
    if (plan) *plan = plan_text(&n);
    uint64_t seed = 3;
    int rank;
    int64_t d[HK_MAX_RANK + 2];
    net_ok(hk_executor_dims(n.ex, "y", &rank, d));
    ys *= d[2];
    float *x = malloc((size_t)xs * 4), *g = malloc((size_t)ys * 4);
    for (int64_t i = 0; i < xs; i++) x[i] = (float)net_uniform(&seed, -1, 2.5);
    for (int64_t i = 0; i < ys; i++) g[i] = (float)net_uniform(&seed, -1, 1);
    net_ok(hk_executor_write(n.ex, "x", HK_F32, x, xs));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_write(n.ex, "grad_out:y", HK_F32, g, ys));
    net_ok(hk_executor_backward(n.ex));
    all = ys + xs;
    for (int p = 0; p < hk_network_n_param(n.net); p++) all += hk_network_param(n.net, p)->elems;
    float *v = malloc((size_t)all * 4);
    net_ok(hk_executor_read(n.ex, "y", HK_F32, v, ys));
    net_ok(hk_executor_read(n.ex, "grad:x", HK_F32, v + ys, xs));
    at = ys + xs;
    for (int p = 0; p < hk_network_n_param(n.net); p++) {
        const hk_param_info *info = hk_network_param(n.net, p);
        char name[96];
        snprintf(name, sizeof name, "grad:%s", info->name);
        net_ok(hk_executor_read(n.ex, name, HK_F32, v + at, info->elems));
        at += info->elems;
    }
    free(x), free(g);
    net_free(&n);
    *count = all;
    return v;
}

static void compare(const work *w, const char *what, const float *a, const float *b, int64_t n, float tolerance) {
    float largest = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(b[i])), sum += fabsf(b[i]);
    if (!(sum > 0)) fail_msg("%s: a silent network shows nothing", w->text);
    for (int64_t i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= tolerance * largest)) fail_msg("%s: %s, number %lld: %.9g and %.9g", w->text, what, (long long)i, (double)a[i], (double)b[i]);
}

static void test_fused_agrees_with_one_by_one_and_ref(void **state) {
    (void)state;
    for (int k = 0; k < N_WORK; k++) {
        int64_t n;
        char *on, *off, *ref;
        float *a = train(&works[k], "cpu", 0, 2, 0, &n, &on), *b = train(&works[k], "cpu", HK_PASS_FUSE, 2, 0, &n, &off), *r = train(&works[k], "ref", 0, 1, 0, &n, &ref);
        for (int i = 0; i < 3; i++)
            if (!strstr(on, works[k].impl[i]) || strstr(off, works[k].impl[i])) fail_msg("%s: '%s' must be in the fused plan alone:\n%s\n%s", works[k].text, works[k].impl[i], on, off);
        if (!strstr(ref, "backend 'ref' does not take it")) fail_msg("%s: ref's plan does not say that it declines:\n%s", works[k].text, ref);
        compare(&works[k], "fused and one by one", a, b, n, 1e-5f);
        compare(&works[k], "fused and ref", a, r, n, 1e-4f);
        free(a), free(b), free(r), free(on), free(off), free(ref);
    }
}

static void test_bits_do_not_depend_on_blocks_or_threads(void **state) {
    (void)state;
    for (int k = 0; k < N_WORK; k++) {
        int64_t n;
        float *a = train(&works[k], "cpu", 0, 1, 16, &n, NULL);
        for (int threads = 1; threads <= 3; threads++)
            for (int way = 0; way < 3; way++) {
                const int64_t nb = way == 0 ? -1 : 16 * way;
                float *b = train(&works[k], "cpu", 0, threads, nb, &n, NULL);
                if (memcmp(a, b, (size_t)n * 4)) fail_msg("%s: %d threads, nb %lld: other bits than one thread, nb 16", works[k].text, threads, (long long)nb);
                free(b);
            }
        free(a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_fused_agrees_with_one_by_one_and_ref), cmocka_unit_test(test_bits_do_not_depend_on_blocks_or_threads) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
