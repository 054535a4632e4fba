/* The rule flatten+bernoulli: a picture is flattened before it is drawn, with the same spikes and gradients, for one channel and for several; a reader of the
 * picture of spikes makes it decline, and the plan says so. */
#include "net.h"
#include <stdbool.h>

static const char text[] = "Sequential(Fire(surrogate=PoissonPass()), Flatten(), Linear(%d, 7), IF(v_threshold=0.2, surrogate=ATan()))";
enum { T = 20, N = 19, H = 9, W = 9 }; /* too many numbers for a table of spikes, whose sums have another order */

static char *plan_text(net *n) {
    char *plan = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&plan, &size);
    net_ok(hk_executor_print(n->ex, f));
    fclose(f);
    return plan;
}

/* One training step on pictures of C channels: y, the gradients of x and of the weight, one after the other. tap: the spikes are asked for too. */
static float *train(int C, const char *backend, uint32_t passes_off, bool tap, int64_t *count, char **plan) {
    const hk_output out[2] = { { "y", 1, 0 }, { "0:y", 0, 0 } };
    hk_network_config c = HK_NETWORK_CONFIG_DEFAULT;
    hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD, tap ? 2 : 1, out };
    c.threads = 2, c.passes_off = passes_off, c.nb = 16, c.seed = 5, c.backend = backend;
    char name[200];
    snprintf(name, sizeof name, text, C * H * W);
    net n;
    net_make(&n, name, NULL, NULL, c, ec);
    const int64_t xs = N * C * H * W, ys = T * N * 7, ws = 7 * C * H * W;
    net_ok(hk_executor_shape(n.ex, T, N, 0, 3, (int64_t[]){ C, H, W }));
    *plan = plan_text(&n);
    uint64_t seed = 3;
    float *x = malloc((size_t)xs * 4), *g = malloc((size_t)ys * 4), *v = malloc((size_t)(xs + ys + ws) * 4);
    for (int64_t i = 0; i < xs; i++) x[i] = (float)net_uniform(&seed, -0.5, 1.2);
    for (int64_t i = 0; i < ys; i++) g[i] = (float)net_uniform(&seed, -1, 1);
    net_ok(hk_executor_write(n.ex, "x", HK_F32, x, xs));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_write(n.ex, "grad_out:y", HK_F32, g, ys));
    net_ok(hk_executor_backward(n.ex));
    net_ok(hk_executor_read(n.ex, "y", HK_F32, v, ys));
    net_ok(hk_executor_read(n.ex, "grad:x", HK_F32, v + ys, xs));
    net_ok(hk_executor_read(n.ex, "grad:2.weight", HK_F32, v + ys + xs, ws));
    free(x), free(g);
    net_free(&n);
    *count = xs + ys + ws;
    return v;
}

static void test_flattened_first_gives_the_same(void **state) {
    (void)state;
    for (int C = 1; C <= 3; C += 2) {
        char *on, *off, *ref;
        int64_t n;
        float *a = train(C, "cpu", 0, false, &n, &on), *b = train(C, "cpu", HK_PASS_FUSE, false, &n, &off), *r = train(C, "ref", 0, false, &n, &ref);
        if (!(strstr(on, " flatten ") < strstr(on, " bernoulli ")) || strstr(off, " flatten ") < strstr(off, " bernoulli "))
            fail_msg("flatten must come before bernoulli in the fused plan alone:\n%s\n%s", on, off);
        double spikes = 0;
        for (int64_t i = 0; i < T * N * 7; i++) spikes += (double)b[i];
        if (!(spikes > 0)) fail_msg("a silent network shows nothing");
        for (int64_t i = 0; i < n; i++) {
            const bool of_x = i >= T * N * 7 && i < T * N * 7 + N * C * H * W; /* summed over t in another place */
            if (!(fabsf(a[i] - b[i]) <= (of_x ? 1e-5f * (1 + fabsf(b[i])) : 0.0f))) fail_msg("%d channels, number %lld: %.9g, and %.9g without the rule", C, (long long)i, (double)a[i], (double)b[i]);
            if (!(fabsf(a[i] - r[i]) <= 1e-4f * (1 + fabsf(r[i])))) fail_msg("%d channels, number %lld: %.9g, and %.9g of ref", C, (long long)i, (double)a[i], (double)r[i]);
        }
        free(a), free(b), free(r), free(on), free(off), free(ref);
    }
}

static void test_a_reader_makes_it_decline(void **state) {
    (void)state;
    char *plan, *plain;
    int64_t n;
    float *a = train(3, "cpu", 0, true, &n, &plan), *b = train(3, "cpu", HK_PASS_FUSE, true, &n, &plain);
    if (!strstr(plan, "not fused by flatten+bernoulli: what bernoulli gives is also read by")) fail_msg("the plan does not say that the rule declined:\n%s", plan);
    for (int64_t i = 0; i < n; i++)
        if (a[i] != b[i]) fail_msg("number %lld: %.9g, and %.9g without the rule", (long long)i, (double)a[i], (double)b[i]);
    free(a), free(b), free(plan), free(plain);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_flattened_first_gives_the_same), cmocka_unit_test(test_a_reader_makes_it_decline) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
