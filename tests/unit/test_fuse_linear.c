/* The rule linear+linear: linear layers with nothing between them give the outputs and gradients that they give one by one, to 1e-12 in double; one layer
 * that would be larger, rows too few, and somebody who reads what lies between make it decline. */
#include "net.h"
#include <stdbool.h>

typedef struct work {
    const char *text;
    int64_t T, N, K;
    int linears; /* products with the layer's input in the fused forward pass */
} work;

static const work works[] = {
    { "Sequential(Linear(7, 6), Linear(6, 5))", 3, 17, 7, 1 }, { "Sequential(Linear(7, 6, bias=false), Linear(6, 5))", 3, 17, 7, 1 },
    { "Sequential(Linear(7, 6), Linear(6, 5, bias=false))", 3, 17, 7, 1 }, { "Sequential(Linear(7, 6, bias=false), Linear(6, 5, bias=false))", 3, 17, 7, 1 },
    { "Sequential(Linear(7, 20), Linear(20, 33), Linear(33, 3))", 4, 40, 7, 1 },
    { "Sequential(Linear(7, 6), LinearRecurrent(IF(surrogate=ATan()), in_features=6, out_features=6))", 5, 18, 7, 2 },
    { "Sequential(Linear(7, 6), LinearRecurrent(LIF(surrogate=ATan(), detach_reset=true), in_features=6, out_features=6, bias=false))", 5, 18, 7, 2 },
    { "Sequential(IF(surrogate=ATan()), Linear(7, 6), Linear(6, 5))", 3, 17, 7, 1 },
    { "Sequential(Linear(30, 2), Linear(2, 30))", 3, 17, 30, 2 },                    /* a bottleneck */
    { "Sequential(Linear(7, 6), Linear(6, 5))", 1, 2, 7, 2 },                        /* few rows */
    { "Sequential(Linear(7, 6), IF(surrogate=ATan()), Linear(6, 5))", 3, 17, 7, 2 }, /* spikes between */
};
enum { N_WORK = sizeof works / sizeof *works };

/* y, then the gradient of x and of every parameter, of one step without spikes (a smooth network); the number of linear products in the forward pass. */
static double *step(const work *w, const char *backend, uint32_t passes_off, int64_t *count, int *linears) {
    const hk_output out = { "y", 1, 0 };
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD, 1, &out };
    c.threads = 2, c.passes_off = passes_off, c.seed = 5, c.backend = backend, c.spiking = 0;
    net n;
    net_make(&n, w->text, NULL, NULL, c, ec);
    net_ok(hk_executor_shape(n.ex, w->T, w->N, 1, 1, &w->K));
    int rank;
    int64_t d[HK_MAX_RANK + 2], at, xs = w->T * w->N * w->K, ys = w->T * w->N;
    net_ok(hk_executor_dims(n.ex, "y", &rank, d));
    ys *= d[2];
    at = *count = ys + xs;
    for (int p = 0; p < hk_network_n_param(n.net); p++) *count += hk_network_param(n.net, p)->elems;
    double *v = malloc((size_t)*count * sizeof *v), *x = malloc((size_t)xs * sizeof *x), *g = malloc((size_t)ys * sizeof *g);
    uint64_t seed = 3;
    for (int64_t i = 0; i < xs; i++) x[i] = net_uniform(&seed, -1, 2);
    for (int64_t i = 0; i < ys; i++) g[i] = net_uniform(&seed, -1, 1);
    net_ok(hk_executor_write(n.ex, "x", HK_F64, x, xs));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_write(n.ex, "grad_out:y", HK_F64, g, ys));
    net_ok(hk_executor_backward(n.ex));
    net_ok(hk_executor_read(n.ex, "y", HK_F64, v, ys));
    net_ok(hk_executor_read(n.ex, "grad:x", HK_F64, v + ys, xs));
    for (int p = 0; p < hk_network_n_param(n.net); p++) {
        char name[96];
        snprintf(name, sizeof name, "grad:%s", hk_network_param(n.net, p)->name);
        net_ok(hk_executor_read(n.ex, name, HK_F64, v + at, hk_network_param(n.net, p)->elems));
        at += hk_network_param(n.net, p)->elems;
    }
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    net_ok(hk_executor_print(n.ex, f));
    fclose(f);
    *linears = 0;
    for (const char *found = text; (found = strstr(found, " linear ")); found++) ++*linears;
    free(x), free(g), free(text);
    net_free(&n);
    return v;
}

static void compare(const work *w, const char *what, const double *a, const double *b, int64_t n, double tolerance) {
    double largest = 0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(b[i]));
    if (!(largest > 0)) fail_msg("%s: nothing but zeros shows nothing", w->text);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= tolerance * largest))
            fail_msg("%s: %s, number %lld of %lld: %.15g and %.15g", w->text, what, (long long)i, (long long)n, a[i], b[i]);
}

static void test_one_layer_gives_what_two_give(void **state) {
    (void)state;
    for (int k = 0; k < N_WORK; k++) {
        int64_t n;
        int on, off, cpu;
        double *a = step(&works[k], "ref", 0, &n, &on), *b = step(&works[k], "ref", HK_PASS_FUSE, &n, &off), *c = step(&works[k], "cpu", 0, &n, &cpu);
        if (on != works[k].linears || cpu != works[k].linears)
            fail_msg("%s T=%lld N=%lld: %d linear operations in the plan of ref, %d of cpu, expected %d (one by one: %d)", works[k].text, (long long)works[k].T,
                (long long)works[k].N, on, cpu, works[k].linears, off);
        compare(&works[k], "fused and one by one", a, b, n, 1e-12);
        compare(&works[k], "cpu and ref", c, b, n, 2e-5);
        free(a), free(b), free(c);
    }
}

static void test_whoever_reads_what_lies_between_is_told_why(void **state) {
    (void)state;
    const hk_output out[2] = { { "y", 0, 0 }, { "0:y", 0, 0 } };
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 2, out };
    net n;
    net_make(&n, works[0].text, NULL, NULL, c, ec);
    net_ok(hk_executor_shape(n.ex, 3, 17, 1, 1, &works[0].K));
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    net_ok(hk_executor_print(n.ex, f));
    fclose(f);
    if (!strstr(text, "not fused by linear+linear: what the linear before it gives is also read by"))
        fail_msg("the plan does not say why it declined:\n%s", text);
    free(text);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_one_layer_gives_what_two_give),
        cmocka_unit_test(test_whoever_reads_what_lies_between_is_told_why) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
