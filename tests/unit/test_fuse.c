/* Fusion: a fused network gives the same spikes and the same gradients as its operations one by one; a reader of what would no longer
 * exist, or a backend that does not take the fused operation, makes a rule decline, and the plan says so. */
#include "net.h"
#include <stdbool.h>

typedef struct work {
    const char *text;
    int64_t T, N;
    int seq;
    int64_t C, H, W;
    const char *rule; /* the implementation named in the plan when it is fused; NULL: no rule fits */
} work;

static hk_network_config config(uint32_t passes_off) {
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    c.threads = 2, c.passes_off = passes_off;
    return c;
}

static char *plan_text(net *n) {
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    net_ok(hk_executor_print(n->ex, f));
    fclose(f);
    return text;
}

static float *numbers(int64_t n, uint64_t seed, double lo, double hi) {
    float *x = malloc((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = (float)net_uniform(&seed, lo, hi);
    return x;
}

static int64_t elems(net *n, const char *name) {
    int rank;
    int64_t d[HK_MAX_RANK + 2], e = 1;
    net_ok(hk_executor_dims(n->ex, name, &rank, d));
    for (int i = 0; i < rank; i++) e *= d[i];
    return e;
}

static float *read_all(net *n, const char *name, int64_t *count) {
    *count = elems(n, name);
    float *v = malloc((size_t)*count * sizeof *v);
    net_ok(hk_executor_read(n->ex, name, HK_F32, v, *count));
    return v;
}

static void compare(const work *w, const char *name, net *a, net *b, float tolerance) {
    int64_t na, nb;
    float *x = read_all(a, name, &na), *y = read_all(b, name, &nb), largest = 0;
    if (na != nb) fail_msg("%s: %s has %lld numbers fused, %lld one by one", w->text, name, (long long)na, (long long)nb);
    for (int64_t i = 0; i < na; i++) largest = fmaxf(largest, fabsf(y[i]));
    for (int64_t i = 0; i < na; i++)
        if (!(fabsf(x[i] - y[i]) <= tolerance * (largest + 1e-6f)))
            fail_msg("%s T=%lld N=%lld: %s, number %lld of %lld: fused %.9g, one by one %.9g (largest %g)", w->text, (long long)w->T, (long long)w->N, name, (long long)i,
                     (long long)na, (double)x[i], (double)y[i], (double)largest);
    free(x);
    free(y);
}

/* Upstream gradients into y and, when v is not NULL, into the membrane sequence of a neuron. */
static void make(net *n, const work *w, hk_network_config c, uint32_t mode, uint32_t flags, const char *v) {
    static hk_output out[2];
    out[0] = (hk_output){ "y", 1, 0 }, out[1] = (hk_output){ v, 1, 0 };
    if (mode == HK_INFER) out[0].upstream = out[1].upstream = 0;
    hk_executor_config ec = { sizeof ec, mode, mode == HK_TRAIN ? HK_SEPARATE | HK_INPUT_GRAD | flags : 0, v ? 2 : 1, out };
    net_make(n, w->text, NULL, NULL, c, ec);
    for (int p = 0; p < hk_network_n_param(n->net); p++) {
        const hk_param_info *info = hk_network_param(n->net, p);
        if (!strstr(info->name, "running_var") && info->rank > 1) continue;
        float *x = numbers(info->elems, 77 + (uint64_t)p, strstr(info->name, "num_batches") ? 0 : 0.5, strstr(info->name, "num_batches") ? 0 : 1.5);
        if (!strstr(info->name, ".w")) net_ok(hk_network_write_param(n->net, p, x));
        free(x);
    }
    net_ok(hk_executor_shape(n->ex, w->T, w->N, w->seq, 3, (int64_t[]){ w->C, w->H, w->W }));
}

static void run(net *n, const work *w, uint32_t mode, const char *v) {
    int64_t count = (w->seq ? w->T : 1) * w->N * w->C * w->H * w->W;
    float *x = numbers(count, 3, -1, 2);
    net_ok(hk_executor_write(n->ex, "x", HK_F32, x, count));
    free(x);
    net_ok(hk_executor_run(n->ex));
    if (mode == HK_INFER) return;
    const char *const up[2] = { "y", v };
    for (int i = 0; i < (v ? 2 : 1); i++) {
        char name[64];
        int64_t e = elems(n, up[i]);
        float *g = numbers(e, 11 + (uint64_t)i, -1, 1);
        snprintf(name, sizeof name, "grad_out:%s", up[i]);
        net_ok(hk_executor_write(n->ex, name, HK_F32, g, e));
        free(g);
    }
    net_ok(hk_executor_backward(n->ex));
}

static void check(const work *w, hk_network_config c, uint32_t mode, uint32_t flags, const char *v) {
    net n[2];
    for (int k = 0; k < 2; k++) {
        hk_network_config one = c;
        one.passes_off |= k ? HK_PASS_FUSE : 0;
        make(&n[k], w, one, mode, flags, v);
        char *plan = plan_text(&n[k]);
        bool fused = strstr(plan, "fused_neuron") != NULL;
        if (fused != (k == 0 && w->rule)) fail_msg("%s: fuse %s, and the plan has %s fused_neuron:\n%s", w->text, k ? "off" : "on", fused ? "a" : "no", plan);
        if (fused && !strstr(plan, w->rule)) fail_msg("%s: no '%s' in the plan:\n%s", w->text, w->rule, plan);
        free(plan);
        run(&n[k], w, mode, v);
    }
    compare(w, "y", &n[0], &n[1], c.spiking ? 0.0f : 1e-4f);
    if (v) compare(w, v, &n[0], &n[1], 1e-6f);
    if (mode == HK_TRAIN) {
        compare(w, "grad:x", &n[0], &n[1], 2e-5f);
        for (int p = 0; p < hk_network_n_param(n[0].net); p++) {
            const hk_param_info *info = hk_network_param(n[0].net, p);
            char name[96];
            snprintf(name, sizeof name, "grad:%s", info->name);
            if (info->learnable) compare(w, name, &n[0], &n[1], 5e-5f);
        }
    }
    for (int k = 0; k < 2; k++) net_free(&n[k]);
}

#define NORM_POOL "norm, rows, pool"
#define NORM "norm, rows"
#define POOL "rows, pool"

static const work works[] = {
    { "Sequential(BatchNorm2d(3), IF(surrogate=ATan()), MaxPool2d(2, 2))", 4, 21, 1, 3, 6, 8, NORM_POOL },
    { "Sequential(BatchNorm2d(3), IF(surrogate=ATan()), MaxPool2d(2, 2))", 4, 21, 0, 3, 6, 8, NORM_POOL },
    { "Sequential(BatchNorm2d(1), IF(surrogate=ATan()), MaxPool2d(3, 3))", 3, 1, 1, 1, 3, 9, NORM_POOL },
    { "Sequential(BatchNorm2d(70), LIF(tau=2.0, surrogate=Sigmoid(), detach_reset=true), MaxPool2d(2, 2))", 1, 17, 1, 70, 4, 4, NORM_POOL },
    { "Sequential(Conv2d(2, 16, 3, padding=1, bias=false), BatchNorm2d(16), ParametricLIF(surrogate=ATan()), MaxPool2d(2, 2), Conv2d(16, 5, 3))", 5, 33, 0, 2, 10, 10, NORM_POOL },
    { "Sequential(Conv2d(2, 5, 3, bias=false), BatchNorm2d(5, affine=false), ParametricLIF(surrogate=ATan()))", 3, 19, 1, 2, 7, 5, NORM },
    { "Sequential(BatchNorm2d(4, track_running_stats=false), LIF(v_reset=none, surrogate=ATan()), MaxPool2d(3, 2))", 3, 16, 1, 4, 7, 7, NORM },
    { "Sequential(BatchNorm2d(4), IF(surrogate=ATan()), MaxPool2d(2, 2, padding=1))", 3, 16, 0, 4, 6, 6, NORM },
    { "Sequential(BatchNorm2d(4), IF(surrogate=ATan()), MaxPool2d(2, 2))", 2, 16, 1, 4, 5, 6, NORM },
    { "Sequential(Conv2d(2, 5, 3), IF(surrogate=ATan()), MaxPool2d(2, 2))", 3, 40, 0, 2, 6, 6, POOL },
    { "Sequential(BatchNorm2d(4), MaxPool2d(2, 2), IF(surrogate=ATan()))", 2, 16, 1, 4, 6, 6, NULL },
    { "Sequential(BatchNorm2d(3), IF(surrogate=ATan()), MaxPool2d(2, 2), MeanT())", 4, 21, 1, 3, 6, 8, NORM_POOL }, /* the pooling's gradient is the same at all steps */
};
enum { N_WORK = sizeof works / sizeof *works };

static void test_training_agrees_with_the_operations_one_by_one(void **state) {
    (void)state;
    for (int i = 0; i < N_WORK; i++) check(&works[i], config(0), HK_TRAIN, 0, NULL);
}

static void test_gradients_with_running_statistics_agree(void **state) {
    (void)state;
    for (int i = 0; i < N_WORK; i++) check(&works[i], config(0), HK_TRAIN, HK_EVAL, NULL);
}

static void test_inference_agrees(void **state) {
    (void)state;
    for (int i = 0; i < N_WORK; i++) {
        work w = works[i];
        check(&w, config(HK_PASS_FOLD_NORM), HK_INFER, 0, NULL);
        if (!strstr(w.text, "Conv2d")) continue; /* with fold_norm the convolution takes the normalisation in, and neuron and pooling are left */
        w.rule = strstr(w.text, "MaxPool2d") ? POOL : NULL;
        check(&w, config(0), HK_INFER, 0, NULL);
    }
}

static void test_a_membrane_that_is_read_and_has_a_gradient_agrees(void **state) {
    (void)state;
    check(&works[0], config(0), HK_TRAIN, 0, "1:v");
    check(&works[4], config(0), HK_TRAIN, 0, "2:v");
}

static void test_smooth_networks_agree_and_pool_no_numbers(void **state) {
    (void)state;
    hk_network_config c = config(0);
    c.spiking = 0;
    work w = works[0];
    w.rule = NORM; /* windows take spikes only */
    check(&w, c, HK_TRAIN, 0, NULL);
    check(&works[5], c, HK_TRAIN, 0, NULL);
}

static void test_bits_do_not_depend_on_blocks_or_threads(void **state) {
    (void)state;
    static const int64_t nb[] = { -1, 16, 32, 16 };
    static const int threads[] = { 1, 1, 2, 2 };
    work w = works[4];
    w.N = 50;
    float *first[2] = { NULL, NULL };
    for (int k = 0; k < 4; k++) {
        net n;
        hk_network_config c = config(0);
        c.nb = nb[k], c.threads = threads[k];
        make(&n, &w, c, HK_TRAIN, 0, NULL);
        run(&n, &w, HK_TRAIN, NULL);
        static const char *const names[2] = { "grad:x", "grad:1.weight" };
        for (int i = 0; i < 2; i++) {
            int64_t count;
            float *v = read_all(&n, names[i], &count);
            if (!first[i]) {
                first[i] = v;
                continue;
            }
            for (int64_t j = 0; j < count; j++)
                if (memcmp(&v[j], &first[i][j], 4)) fail_msg("nb=%lld, %d threads: %s, number %lld: %.9g, else %.9g", (long long)nb[k], threads[k], names[i], (long long)j, (double)v[j], (double)first[i][j]);
            free(v);
        }
        net_free(&n);
    }
    free(first[0]);
    free(first[1]);
}

static void expect_plan(const work *w, const char *backend, const char *tap, const char *has, const char *note) {
    hk_network_config c = config(0);
    c.backend = backend;
    net n;
    make(&n, w, c, HK_TRAIN, 0, tap);
    char *plan = plan_text(&n);
    if ((strstr(plan, "fused_neuron") != NULL) != (has != NULL) || (has && !strstr(plan, has))) fail_msg("tap %s: expected %s in the plan:\n%s", tap ? tap : "none", has ? has : "nothing fused", plan);
    if (note && !strstr(plan, note)) fail_msg("expected the note '%s' in the plan:\n%s", note, plan);
    run(&n, w, HK_TRAIN, tap);
    free(plan);
    net_free(&n);
}

static void test_a_tap_makes_a_rule_decline_and_the_plan_says_so(void **state) {
    (void)state;
    expect_plan(&works[0], "cpu", NULL, NORM_POOL, NULL);
    expect_plan(&works[0], "cpu", "1:y", NORM, "not fused by batchnorm+neuron+pool: what the neuron gives is also read by an output that is asked for");
    expect_plan(&works[0], "cpu", "0:y", POOL, "1: not fused by batchnorm+neuron: what batchnorm gives is also read by an output that is asked for");
}

/* The bits of conv2d_pool are those of the two operations; inference alone takes it, of spikes alone. */
static void test_a_convolution_of_spikes_and_its_pooling_agree(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int fused;
    } cases[] = {
        { "Sequential(IF(surrogate=ATan()), Conv2d(3, 20, 3), MaxPool2d(2, 2), IF(surrogate=ATan()))", 1 },
        { "Sequential(IF(surrogate=ATan()), Conv2d(3, 7, 2, stride=2, padding=1, bias=false), MaxPool2d(3))", 1 },
        { "Sequential(IF(surrogate=ATan()), Conv2d(3, 66, 3), MaxPool2d(2, 2), IF(surrogate=ATan()), Conv2d(66, 5, 2), MaxPool2d(2))", 1 },
        { "Sequential(IF(surrogate=ATan()), Conv2d(3, 32, 3, padding=1), MaxPool2d(2, 2, padding=1))", 0 },
        { "Sequential(Conv2d(3, 9, 3), MaxPool2d(2, 2))", 0 },
        { "Sequential(IF(surrogate=ATan()), Conv2d(3, 9, 3), IF(surrogate=ATan()), MaxPool2d(2, 2))", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        work w = { cases[i].text, 4, 21, 1, 3, 13, 11, NULL };
        net n[2];
        for (int k = 0; k < 2; k++) {
            hk_network_config c = config(k ? HK_PASS_FUSE : 0);
            make(&n[k], &w, c, HK_INFER, 0, NULL);
            char *plan = plan_text(&n[k]);
            if ((strstr(plan, "conv2d_pool") != NULL) != (k == 0 && cases[i].fused)) fail_msg("%s: fuse %s:\n%s", w.text, k ? "off" : "on", plan);
            free(plan);
            run(&n[k], &w, HK_INFER, NULL);
        }
        compare(&w, "y", &n[0], &n[1], 0.0f);
        for (int k = 0; k < 2; k++) net_free(&n[k]);
    }
    work w = { cases[0].text, 4, 21, 1, 3, 13, 11, NULL };
    net n;
    make(&n, &w, config(0), HK_TRAIN, 0, NULL);
    char *plan = plan_text(&n);
    if (strstr(plan, "conv2d_pool")) fail_msg("training has a conv2d_pool:\n%s", plan);
    free(plan);
    net_free(&n);
}

static void test_a_backend_may_decline(void **state) {
    (void)state;
    expect_plan(&works[0], "ref", NULL, NULL, "1: not fused by batchnorm+neuron+pool: backend 'ref' does not take it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_agrees_with_the_operations_one_by_one),
        cmocka_unit_test(test_gradients_with_running_statistics_agree),
        cmocka_unit_test(test_inference_agrees),
        cmocka_unit_test(test_a_membrane_that_is_read_and_has_a_gradient_agrees),
        cmocka_unit_test(test_smooth_networks_agree_and_pool_no_numbers),
        cmocka_unit_test(test_bits_do_not_depend_on_blocks_or_threads),
        cmocka_unit_test(test_a_tap_makes_a_rule_decline_and_the_plan_says_so),
        cmocka_unit_test(test_a_convolution_of_spikes_and_its_pooling_agree),
        cmocka_unit_test(test_a_backend_may_decline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
