/* Inference with running statistics taken into the convolution before them: Conv1d, Conv2d and Conv3d give what they give without, within rounding, and
 * the plan has no batch normalisation left. */
#include "net.h"

enum { T = 2, N = 3 };
typedef struct work {
    const char *text;
    int rank;
    int64_t shape[4];
    int folds;
} work;
static const work works[] = {
    { "Sequential(Conv1d(4, 6, 3, padding=1), BatchNorm1d(6))", 2, { 4, 9 }, 1 },
    { "Sequential(Conv1d(4, 6, 3, groups=2, bias=false), BatchNorm1d(6, affine=false))", 2, { 4, 9 }, 1 },
    { "Sequential(Conv3d(2, 3, 3, padding=1), BatchNorm3d(3))", 4, { 2, 4, 5, 6 }, 1 },
    { "Sequential(Conv3d(2, 4, [2, 3, 1], stride=[2, 1, 1], groups=2, bias=false), BatchNorm3d(4))", 4, { 2, 4, 5, 6 }, 1 },
    { "Sequential(Conv3d(2, 3, 2), IF(), BatchNorm3d(3))", 4, { 2, 4, 5, 6 }, 0 },
    { "Sequential(Conv2d(2, 3, 3), BatchNorm2d(3))", 3, { 2, 5, 6 }, 1 },
};

static double *run(const work *w, const char *backend, uint32_t off, int64_t *count, int *norms) {
    net n;
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = backend, nc.passes_off = off, nc.seed = 3;
    net_make(&n, w->text, NULL, NULL, nc, (hk_executor_config){ sizeof(hk_executor_config), HK_INFER, 0, 0, NULL });
    uint64_t s = 9;
    for (int k = 0; k < hk_network_n_param(n.net); k++) {
        const hk_param_info *p = hk_network_param(n.net, k);
        if (!strstr(p->name, "running") && strncmp(p->name, "1.", 2) != 0) continue;
        double *v = malloc((size_t)p->elems * sizeof *v);
        for (int64_t i = 0; i < p->elems; i++) v[i] = strstr(p->name, "var") ? net_uniform(&s, 0.1, 2) : net_uniform(&s, -1, 1);
        if (p->rank) net_ok(hk_network_write_param64(n.net, k, v));
        free(v);
    }
    int64_t nx = T * N, dims[HK_MAX_RANK + 2];
    int rank;
    for (int i = 0; i < w->rank; i++) nx *= w->shape[i];
    double *x = malloc((size_t)nx * sizeof *x);
    for (int64_t i = 0; i < nx; i++) x[i] = net_uniform(&s, -1, 1);
    net_ok(hk_executor_shape(n.ex, T, N, 1, w->rank, w->shape));
    net_ok(hk_executor_dims(n.ex, "y", &rank, dims));
    *count = 1;
    for (int i = 0; i < rank; i++) *count *= dims[i];
    double *y = malloc((size_t)*count * sizeof *y);
    net_ok(hk_executor_write(n.ex, "x", HK_F64, x, nx));
    net_ok(hk_executor_run(n.ex));
    net_ok(hk_executor_read(n.ex, "y", HK_F64, y, *count));
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    net_ok(hk_executor_print(n.ex, f));
    fclose(f);
    *norms = 0;
    for (const char *at = text; (at = strstr(at, "batchnorm")); at++) ++*norms;
    free(text), free(x);
    net_free(&n);
    return y;
}

static void test_folded_statistics_give_what_the_normalisation_gives(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        for (int ref = 0; ref < 2; ref++) {
            int64_t n;
            int left, there;
            double *want = run(&works[i], ref ? "ref" : "cpu", HK_PASS_FOLD_NORM, &n, &there), *got = run(&works[i], ref ? "ref" : "cpu", 0, &n, &left);
            if (!there || left != !works[i].folds)
                fail_msg("%s: batchnorm is in the plan %d times, folded %d; expected %d", works[i].text, there, left, !works[i].folds);
            for (int64_t k = 0; k < n; k++)
                if (fabs(got[k] - want[k]) > 2e-5 * (1 + fabs(want[k])))
                    fail_msg("%s, number %lld: folded %.9g, as it is %.9g", works[i].text, (long long)k, got[k], want[k]);
            free(want), free(got);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_folded_statistics_give_what_the_normalisation_gives) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
