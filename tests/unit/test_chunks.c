/* A long sequence in parts gives what one run gives, whatever the parts; what cannot be done in parts is refused by name. And weights without batch
 * normalisations: the network that has none of them gives the same numbers. */
#include "gradient_check.h"
#include <unistd.h>

enum { T = 11, N = 3, IN = 4 };

static void make(net *n, const char *text, uint32_t flags) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.seed = 6;
    net_make(n, text, NULL, NULL, nc, (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, flags, 0, NULL });
}

typedef struct calls {
    int64_t n, at, steps;
} calls;
static hk_status count_part(void *arg, hk_executor *ex, int64_t t0, int64_t steps) {
    calls *c = arg;
    if (t0 != c->at || hk_executor_read(ex, "y", HK_F32, (float[1]){ 0 }, 1) != HK_ESHAPE)
        return HK_EINVAL; /* the steps follow each other; the part can be read */
    c->n++, c->at += steps, c->steps = steps;
    return HK_OK;
}

static void test_parts_give_what_a_run_gives(void **state) {
    (void)state;
    static const char *const texts[] = { "Sequential(Linear(4, 6), LIF(v_threshold=0.1), Linear(6, 2), IF(v_threshold=0.1))",
        "Sequential(LinearRecurrent(IF(v_threshold=0.5), 4, 4), Linear(4, 2), SynapseFilter(tau=5))",
        "Sequential(Linear(4, 8), snn.Leaky(beta=0.8), Delay(2), Linear(8, 2), snn.Synaptic(alpha=0.7, beta=0.6))", "SpikingLSTM(4, 2, 1)" };
    float *x = malloc(sizeof *x * T * N * IN), want[T * N * 2], got[T * N * 2];
    uint64_t s = 5;
    for (int i = 0; i < T * N * IN; i++) x[i] = (float)net_uniform(&s, -1, 3);
    for (int k = 0; k < 4; k++) {
        net n;
        make(&n, texts[k], 0);
        net_ok(hk_executor_chunks(n.ex, T, T, N, 1, (int64_t[]){ IN }, x, want, T * N * 2, NULL, NULL));
        double size = 0;
        for (int i = 0; i < T * N * 2; i++) size += fabs((double)want[i]);
        if (size == 0) fail_msg("%s gives zeros alone", texts[k]);
        for (int64_t chunk = 1; chunk < 2 * T; chunk += 2) {
            calls c = { 0, 0, 0 };
            memset(got, 0xff, sizeof got);
            net_ok(hk_executor_chunks(n.ex, T, chunk, N, 1, (int64_t[]){ IN }, x, got, T * N * 2, count_part, &c));
            for (int i = 0; i < T * N * 2; i++)
                if (got[i] != want[i])
                    fail_msg("%s in parts of %lld, number %d: got %g, expected %g", texts[k], (long long)chunk, i, (double)got[i], (double)want[i]);
            if (c.n != (T + chunk - 1) / chunk || c.at != T)
                fail_msg("parts of %lld: %lld calls over %lld steps", (long long)chunk, (long long)c.n, (long long)c.at);
        }
        net_free(&n);
    }
    free(x);
}

static void test_what_has_no_parts_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t flags;
        hk_status want;
        const char *says;
    } cases[] = {
        { "Sequential(Linear(4, 2), MeanT())", 0, HK_ESHAPE, "does not vary with the step" },
        { "Sequential(Linear(4, 2), IF())", HK_FORGET, HK_ESTATE, "steps 4 to 7: continue: this executor forgets its state" },
        { "Sequential(Linear(4, 2), SlidingPSN(k=2))", 0, HK_ESTATE, "needs the sequence from its first step on" },
        { "Sequential(Linear(4, 3), IF())", 0, HK_ESHAPE, "y has room for 66 numbers, expected 99" },
    };
    const float x[T * N * IN] = { 0 };
    float y[T * N * 2];
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        net n;
        make(&n, cases[k].text, cases[k].flags);
        const hk_status st = hk_executor_chunks(n.ex, T, 4, N, 1, (int64_t[]){ IN }, x, y, T * N * 2, NULL, NULL);
        if (st != cases[k].want || !strstr(hk_error(net_context()), cases[k].says))
            fail_msg("%s: got %s: %s; expected %s with '%s'", cases[k].text, hk_status_name(st), hk_error(net_context()), hk_status_name(cases[k].want),
                cases[k].says);
        net_free(&n);
    }
}

/* ---- weights without batch normalisations ---- */

static double *output(hk_network *network, int rank, const int64_t *shape, const double *x, int64_t nx, int64_t *ny) {
    hk_executor *ex;
    hk_executor_config ec = { sizeof ec, HK_INFER, 0, 0, NULL };
    int r;
    int64_t dims[HK_MAX_RANK + 2];
    net_ok(hk_executor_new(network, &ec, &ex));
    net_ok(hk_executor_shape(ex, 2, N, 1, rank, shape));
    net_ok(hk_executor_write(ex, "x", HK_F64, x, nx));
    net_ok(hk_executor_run(ex));
    net_ok(hk_executor_dims(ex, "y", &r, dims));
    *ny = 1;
    for (int i = 0; i < r; i++) *ny *= dims[i];
    double *y = malloc((size_t)*ny * sizeof *y);
    net_ok(hk_executor_read(ex, "y", HK_F64, y, *ny));
    hk_executor_free(ex);
    return y;
}

static void note_pair(void *arg, const char *conv, const char *norm) {
    char *text = arg;
    snprintf(text + strlen(text), 200 - strlen(text), "%s+%s ", conv, norm);
}

typedef struct pair_case {
    int n, rank;
    const char *names[5], *with[5], *without[5]; /* without: NULL: the layer is gone */
    int64_t shape[4];
    const char *pairs;
} pair_case;

static void test_the_network_without_normalisations_gives_the_same(void **state) {
    (void)state;
    static const pair_case cases[] = {
        { 5, 3, { "a.0", "a.1", "b", "c", "d" },
            { "Conv2d(2, 4, 3, padding=1, bias=false)", "BatchNorm2d(4, eps=0.01)", "ParametricLIF()", "Conv2d(4, 3, 3)", "BatchNorm2d(3, affine=false)" },
            { "Conv2d(2, 4, 3, padding=1)", NULL, "ParametricLIF()", "Conv2d(4, 3, 3)", NULL }, { 2, 6, 5 }, "a.0+a.1 c+d " },
        { 3, 2, { "0", "1", "2" }, { "Conv1d(4, 6, 3, groups=2)", "BatchNorm1d(6)", "BatchNorm1d(6)" }, { "Conv1d(4, 6, 3, groups=2)", NULL, "BatchNorm1d(6)" },
            { 4, 9 }, "0+1 " },
        { 3, 4, { "0", "1", "2" }, { "Conv3d(2, 3, 2)", "BatchNorm3d(3)", "IF()" }, { "Conv3d(2, 3, 2)", NULL, "IF()" }, { 2, 3, 4, 4 }, "0+1 " },
    };
    char path[] = "/tmp/hillock-fused-XXXXXX", text[200];
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const pair_case *c = &cases[k];
        const char *names[5], *texts[5];
        int n = 0;
        hk_module *root, *plain;
        hk_network *normed, *other;
        hk_file *f;
        hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
        nc.seed = 8;
        for (int i = 0; i < c->n; i++)
            if (c->without[i]) names[n] = c->names[i], texts[n++] = c->without[i];
        net_ok(hk_module_new_sequential(net_context(), c->n, c->names, c->with, &root));
        net_ok(hk_module_new_sequential(net_context(), n, names, texts, &plain));
        net_ok(hk_network_new(net_context(), root, &nc, &normed));
        net_ok(hk_network_new(net_context(), plain, &nc, &other));
        for (int i = 0; i < hk_network_n_param(normed); i++) {
            const hk_param_info *p = hk_network_param(normed, i);
            if (!p->rank || (!strstr(p->name, "running") && p->elems > 6)) continue;
            double *v = fresh(p->elems, 40 + (uint64_t)i, strstr(p->name, "var") ? 0.2 : -1, 2);
            net_ok(hk_network_write_param64(normed, i, v));
            free(v);
        }
        text[0] = 0;
        net_ok(hk_fuse_conv_bn(net_context(), root, normed, path, note_pair, text));
        if (strcmp(text, c->pairs)) fail_msg("pairs are '%s', expected '%s'", text, c->pairs);
        net_ok(hk_file_read(net_context(), path, &f));
        if (hk_file_n(f) != hk_network_n_param(other)) fail_msg("%d entries, expected %d", hk_file_n(f), hk_network_n_param(other));
        for (int i = 0; i < hk_network_n_param(other); i++) {
            const hk_param_info *p = hk_network_param(other, i);
            const hk_tensor *t = hk_file_find(f, p->name);
            if (!t || t->rank != p->rank || memcmp(t->shape, p->shape, (size_t)p->rank * sizeof *p->shape))
                fail_msg("%s is not in the file, or has another shape", p->name);
            net_ok(hk_network_write_param(other, i, t->data));
        }
        int64_t nx = 2 * N, ny, nz;
        for (int i = 0; i < c->rank; i++) nx *= c->shape[i];
        double *x = fresh(nx, 3, -1, 1), *want = output(normed, c->rank, c->shape, x, nx, &ny), *got = output(other, c->rank, c->shape, x, nx, &nz);
        assert_int_equal(ny, nz);
        for (int64_t i = 0; i < ny; i++)
            if (fabs(got[i] - want[i]) > 1e-5 * (1 + fabs(want[i])))
                fail_msg("case %zu, number %lld: without %.9g, with %.9g", k, (long long)i, got[i], want[i]);
        free(x), free(want), free(got);
        hk_file_free(f), hk_network_free(normed), hk_network_free(other), hk_module_free(root), hk_module_free(plain);
    }
    net n;
    make(&n, "Sequential(Conv2d(2, 3, 3), IF(), BatchNorm2d(3), Conv2d(3, 3, 3), BatchNorm2d(3, track_running_stats=false))", 0);
    assert_int_equal(hk_fuse_conv_bn(net_context(), n.root, n.net, path, NULL, NULL), HK_EINVAL);
    if (!strstr(hk_error(net_context()), "nothing to fuse")) fail_msg("got '%s'", hk_error(net_context()));
    net_free(&n);
    close(fd);
    remove(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_give_what_a_run_gives),
        cmocka_unit_test(test_what_has_no_parts_is_refused),
        cmocka_unit_test(test_the_network_without_normalisations_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
