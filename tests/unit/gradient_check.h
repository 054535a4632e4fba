/* gradient_check.h - one network's gradients by central differences, in double on `ref` with spiking = false: of every parameter and of the
 * input, for one random linear function of the output. Used by test_gradients*.c. */
#ifndef TEST_GRADIENT_CHECK_H
#define TEST_GRADIENT_CHECK_H

#include "net.h"

typedef struct gcase {
    const char *text, *loss;
    int64_t T, N;
    int seq, rank;
    int64_t shape[4];
    uint32_t passes_off, flags; /* flags: of the executor, beside those of every case */
    double lo, hi;              /* of the inputs */
    const char *mask;           /* state to be written before each run: a mask that is not drawn anew */
} gcase;

static double *fresh(int64_t n, uint64_t seed, double lo, double hi) {
    double *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = net_uniform(&seed, lo, hi);
    return v;
}

static void write_mask(net *n, const char *name) {
    int rank;
    int64_t count = 1, dims[HK_MAX_RANK + 2];
    net_ok(hk_executor_dims(n->ex, name, &rank, dims));
    for (int i = 0; i < rank; i++) count *= dims[i];
    double *v = fresh(count, 3, -1, 2);
    for (int64_t i = 0; i < count; i++) v[i] = v[i] < 0 ? 0 : v[i];
    net_ok(hk_executor_write(n->ex, name, HK_F64, v, count));
    free(v);
}

static double objective(net *n, const gcase *c, const double *g, double *y, int64_t ny, const double *x, int64_t nx) {
    net_ok(hk_executor_write(n->ex, "x", HK_F64, x, nx));
    if (c->mask) write_mask(n, c->mask);
    net_ok(hk_executor_run(n->ex));
    if (!g) {
        double loss;
        net_ok(hk_executor_read(n->ex, "loss", HK_F64, &loss, 1));
        return loss;
    }
    net_ok(hk_executor_read(n->ex, "y", HK_F64, y, ny));
    double sum = 0;
    for (int64_t i = 0; i < ny; i++) sum += g[i] * y[i];
    return sum;
}

static void check(const gcase *c) {
    hk_network_config nc = HK_NETWORK_CONFIG_DEFAULT;
    nc.backend = "ref", nc.spiking = 0, nc.seed = 7, nc.passes_off = c->passes_off, nc.threads = 1;
    const hk_output out = { "y", !c->loss, 0 };
    hk_executor_config ec = { sizeof ec, HK_TRAIN, HK_SEPARATE | HK_INPUT_GRAD | c->flags, 1, &out };
    net n;
    net_make(&n, c->text, c->loss, NULL, nc, ec);
    net_ok(hk_executor_shape(n.ex, c->T, c->N, c->seq, c->rank, c->shape));
    int64_t nx = c->N * (c->seq ? c->T : 1), ny = 1, dims[HK_MAX_RANK + 2];
    for (int i = 0; i < c->rank; i++) nx *= c->shape[i];
    int rank;
    net_ok(hk_executor_dims(n.ex, "y", &rank, dims));
    for (int i = 0; i < rank; i++) ny *= dims[i];
    double *x = fresh(nx, 1, c->lo, c->hi), *g = c->loss ? NULL : fresh(ny, 2, -1, 1), *y = malloc((size_t)ny * sizeof *y);
    double *gx = malloc((size_t)nx * sizeof *gx);
    if (c->loss) {
        int64_t *target = malloc((size_t)c->N * sizeof *target);
        for (int64_t i = 0; i < c->N; i++) target[i] = (i * 5 + 1) % dims[rank - 1];
        net_ok(hk_executor_write(n.ex, "target", HK_I64, target, c->N));
        free(target);
    } else {
        net_ok(hk_executor_write(n.ex, "grad_out:y", HK_F64, g, ny));
    }
    objective(&n, c, g, y, ny, x, nx);
    net_ok(hk_executor_backward(n.ex));
    if (hk_executor_read(n.ex, "grad:x", HK_F64, gx, nx) != HK_OK) {
        hk_executor_print(n.ex, stderr);
        fail_msg("%s, T=%lld N=%lld passes_off=%u: %s", c->text, (long long)c->T, (long long)c->N, c->passes_off, hk_error(net_context()));
    }
    const double eps = 1e-5;
    for (int p = -1; p < hk_network_n_param(n.net); p++) {
        int64_t count = p < 0 ? nx : hk_network_param(n.net, p)->elems;
        if (p >= 0 && !hk_network_param(n.net, p)->learnable) continue;
        double *v = p < 0 ? x : malloc((size_t)count * sizeof *v), *grad = p < 0 ? gx : malloc((size_t)count * sizeof *grad);
        char name[128] = "x";
        if (p >= 0) {
            snprintf(name, sizeof name, "grad:%s", hk_network_param(n.net, p)->name);
            net_ok(hk_network_read_param64(n.net, p, v));
            net_ok(hk_executor_read(n.ex, name, HK_F64, grad, count));
        }
        int64_t stride = count > 60 ? count / 60 : 1;
        for (int64_t i = 0; i < count; i += stride) {
            double keep = v[i], f[2];
            for (int s = 0; s < 2; s++) {
                v[i] = keep + (s ? -eps : eps);
                if (p >= 0) net_ok(hk_network_write_param64(n.net, p, v));
                f[s] = objective(&n, c, g, y, ny, x, nx);
            }
            v[i] = keep;
            if (p >= 0) net_ok(hk_network_write_param64(n.net, p, v));
            double want = (f[0] - f[1]) / (2 * eps);
            if (!(fabs(want - grad[i]) <= 2e-5 * fabs(want) + 2e-6))
                fail_msg("%s, T=%lld N=%lld passes_off=%u: gradient of %s[%lld]: got %.9g, by differences %.9g", c->text, (long long)c->T, (long long)c->N, c->passes_off,
                         name, (long long)i, grad[i], want);
        }
        if (p >= 0) free(v), free(grad);
    }
    free(x);
    free(g);
    free(y);
    free(gx);
    net_free(&n);
}

static __attribute__((unused)) void all_passes(gcase c) {
    static const uint32_t off[] = { 0, HK_PASS_HOIST, HK_PASS_FOLD_TIME, HK_PASS_HOIST | HK_PASS_FOLD_TIME };
    for (int i = 0; i < 4; i++) {
        c.passes_off = off[i];
        check(&c);
    }
}

#endif
