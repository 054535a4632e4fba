/* test_backend_cpu.c - neurons and firing on the cpu backend against plain loops, on odd sizes, at every ISA level of this machine, with the same bits
 * for every block size and scope; sizes of blocks; what is declined. Usage: test_backend_cpu [backend_cpu.so] */
#include "backend_run.h"
#include <unistd.h>

/* ---- a neuron: leaky, threshold as parameter, two states (membrane, spike count), hard reset -------------------------------------- */

static void t_pre1(const hk_neuron_args *a, int64_t i, float *h, float *z) {
    float p0 = a->p_row & 1 ? a->p[0][i] : a->p[0][0], p1 = a->p_row & 2 ? a->p[1][i] : a->p[1][0];
    *h = a->s[0][i] * p0 + a->x[0][i];
    *z = *h - p1;
}
static void t_post1(const hk_neuron_args *a, int64_t i, float h, float f) {
    float n = a->s[1][i] + f;
    a->s1[0][i] = h * (1 - f), a->s1[1][i] = n;
    if (a->y) a->y[i] = f;
    if (a->spike) a->spike[i] = (uint8_t)f;
}
static void t_step(const hk_neuron_args *a) {
    float h, z;
    for (int64_t i = 0; i < a->n; i++) t_pre1(a, i, &h, &z), t_post1(a, i, h, (a->strict ? z > 0 : z >= 0) ? 1 : 0);
}
static void t_pre(const hk_neuron_args *a) {
    float h;
    for (int64_t i = 0; i < a->n; i++) t_pre1(a, i, &h, &a->z[0][i]);
}
static void t_post(const hk_neuron_args *a) {
    float h, z;
    for (int64_t i = 0; i < a->n; i++) t_pre1(a, i, &h, &z), t_post1(a, i, h, a->f[0][i]);
}
static void t_bwd_any(const hk_neuron_args *a, int gp) {
    for (int64_t i = 0; i < a->n; i++) {
        float h, z, f, p0 = a->p_row & 1 ? a->p[0][i] : a->p[0][0];
        t_pre1(a, i, &h, &z);
        f = a->f[0] ? a->f[0][i] : (a->strict ? z > 0 : z >= 0);
        float gh = a->gs[0][i] * (1 - f), gf = a->gy[i] + a->gs[1][i] + (a->detach ? 0 : -a->gs[0][i] * h), gz = gf * a->d[0][i];
        gh += gz;
        if (gp && a->gp[0]) a->gp[0][i] += gh * a->s[0][i];
        if (gp && a->gp[1]) a->gp[1][i] -= gz;
        a->gs[0][i] = gh * p0;
        a->gx[0][i] = gh;
    }
}
static void t_bwd(const hk_neuron_args *a) { t_bwd_any(a, 0); }
static void t_bwd_gp(const hk_neuron_args *a) { t_bwd_any(a, 1); }
static void t_grad(int64_t n, const float *z, const float *p, float *d) {
    for (int64_t i = 0; i < n; i++) d[i] = p[0] / (1 + z[i] * z[i]);
}
static void t_primitive(int64_t n, const float *z, const float *p, float *y) {
    for (int64_t i = 0; i < n; i++) y[i] = p[0] * atanf(z[i]) + 0.5f;
}
static const hk_neuron_kernel t_kernels[1] = { { sizeof(hk_neuron_kernel), 0, t_step, t_pre, t_post, t_bwd, t_bwd_gp } };
static const hk_surrogate_kernel t_skernels[2] = { { sizeof(hk_surrogate_kernel), 0, t_grad, t_primitive, NULL },
    { sizeof(hk_surrogate_kernel), 0, t_grad, t_primitive, t_primitive } };
static hk_neuron_type t_type = {
    .struct_size = sizeof t_type, .flags = HK_NEURON_SPIKES, .n_state = 2, .n_fire = 1, .n_param = 2, .kernels = t_kernels, .n_kernel = 1, .n_h = 1
};
static hk_surrogate_type t_surrogate = { .struct_size = sizeof t_surrogate, .kernels = t_skernels, .n_kernel = 1, .has_primitive = 1 };

typedef struct neuron_case {
    hk_dtype x_dtype;
    uint32_t fx, fp, f_gy;
    int p_rank;                                 /* 0 scalar, 1 channel, 3 row */
    int spiking, forward, detach, seq, partial; /* partial: half of the gradients absent */
} neuron_case;

static void check_neuron(int64_t T, int64_t N, int64_t C, neuron_case c) {
    const int64_t shape[3] = { C, 5, 9 };
    t_surrogate.kernels = t_skernels + c.forward;
    hk_neuron neuron = { &t_type, { &t_surrogate, { 0.4 } }, (uint32_t)c.detach, (uint32_t)c.spiking };
    const hk_attr attr[1] = { { "neuron", 0, 0, &neuron } };
    hk_dtype dy = c.spiking && !c.forward ? HK_SPIKE : HK_F32;
    hn_value x = hn_new(c.x_dtype, c.fx, T, N, 3, shape), s0[2], p[2];
    for (int k = 0; k < 2; k++) s0[k] = hn_new(HK_F32, HELD, T, N, 3, shape), p[k] = hn_new(HK_F32, c.fp, T, N, k ? c.p_rank : 0, shape);
    hn_value in[5] = { x, s0[0], s0[1], p[0], p[1] }, out[5] = { hn_new(dy, SEQ, T, N, 3, shape) };
    for (int k = 0; k < 2; k++) {
        out[1 + k] = c.partial && k ? hn_absent() : hn_new(HK_F32, HELD, T, N, 3, shape);
        out[3 + k] = c.seq || !k ? hn_new(HK_F32, SEQ, T, N, 3, shape) : hn_absent();
    }
    if (c.partial) free(out[3].mem), out[3] = hn_absent();
    run("neuron", T, N, 5, in, 5, out, 1, attr, 0);
    hn_value gin[10] = { x, s0[0], s0[1], p[0], p[1], c.f_gy == 99 ? hn_absent() : hn_new(HK_F32, c.f_gy, T, N, 3, shape) };
    for (int k = 0; k < 2; k++) {
        gin[6 + k] = c.seq ? hn_new(HK_F32, k ? HELD : SEQ, T, N, 3, shape) : hn_absent();
        gin[8 + k] = c.partial ? hn_absent() : hn_new(HK_F32, HELD, T, N, 3, shape);
    }
    hn_value gout[5] = { hn_new(HK_F32, SEQ, T, N, 3, shape), hn_new(HK_F32, HELD, T, N, 3, shape),
        c.partial ? hn_absent() : hn_new(HK_F32, HELD, T, N, 3, shape) };
    for (int k = 0; k < 2; k++) gout[3 + k] = c.partial && !k ? hn_absent() : hn_new(HK_F32, G | (c.fp & HK_T), T, N, p[k].d.rank, p[k].d.shape);
    run("neuron_bwd", T, N, 10, gin, 5, gout, 1, attr, 0);
    double *gp[2] = { calloc((size_t)(gout[4].rows * p[0].elems), 8), calloc((size_t)(gout[4].rows * p[1].elems), 8) };
    float sp[1] = { 0.4f };
    for (int64_t i = 0; i < N; i++)
        for (int64_t e = 0; e < x.elems; e++) {
            float s[2][8], h, z, y, xv[8], pv[2][8], zero = 0;
            hk_neuron_args a = { .n = 1, .detach = (uint32_t)c.detach };
            for (int k = 0; k < 2; k++) s[k][0] = (float)hn_at(&s0[k], 0, i, e);
            for (int64_t t = 0; t < T; t++) {
                xv[t] = (float)hn_at(&x, t, i, e);
                for (int k = 0; k < 2; k++) pv[k][t] = (float)hn_at(&p[k], t, i, hn_other(&p[k], &x, e));
                for (int k = 0; k < 2; k++) a.s[k] = &s[k][t], a.s1[k] = &s[k][t + 1], a.p[k] = &pv[k][t];
                a.x[0] = &xv[t], a.y = &y, a.z[0] = &z;
                if (dy == HK_SPIKE) t_step(&a);
                else t_pre(&a), t_primitive(1, &z, sp, &h), a.f[0] = &h, t_post(&a);
                assert_true(hn_at(&out[0], t, i, e) == y);
                for (int k = 0; k < 2; k++)
                    if (out[3 + k].mem) assert_true(hn_at(&out[3 + k], t, i, e) == s[k][t + 1]);
            }
            for (int k = 0; k < 2; k++)
                if (out[1 + k].mem) assert_true(hn_at(&out[1 + k], 0, i, e) == s[k][T]);
            float gs[2], gx, d, f, gy;
            for (int k = 0; k < 2; k++) gs[k] = gin[8 + k].mem ? (float)hn_at(&gin[8 + k], 0, i, e) : 0;
            for (int64_t t = T - 1; t >= 0; t--) {
                float g[2] = { 0, 0 };
                for (int k = 0; k < 2; k++) {
                    if (gin[6 + k].mem) gs[k] += (float)hn_at(&gin[6 + k], t, i, e);
                    a.s[k] = &s[k][t], a.p[k] = &pv[k][t], a.gs[k] = &gs[k], a.gp[k] = &g[k];
                }
                a.x[0] = &xv[t], a.gx[0] = &gx, a.gy = &gy, a.f[0] = &f, a.d[0] = &d;
                gy = gin[5].mem ? (float)hn_at(&gin[5], t, i, e) : zero;
                t_pre(&a), t_grad(1, &z, sp, &d);
                if (dy == HK_SPIKE) f = z >= 0;
                else t_primitive(1, &z, sp, &f);
                t_bwd_gp(&a);
                assert_true(hn_at(&gout[0], t, i, e) == gx);
                for (int k = 0; k < 2; k++) gp[k][(i / 16 * (c.fp & HK_T ? T : 1) + (c.fp & HK_T ? t : 0)) * p[k].elems + hn_other(&p[k], &x, e)] += g[k];
            }
            for (int k = 0; k < 2; k++)
                if (gout[1 + k].mem) assert_true(hn_at(&gout[1 + k], 0, i, e) == gs[k]);
        }
    for (int k = 0; k < 2; k++)
        if (gout[3 + k].mem)
            HN_EACH(gout[3 + k], t, g, e) near("gp", hn_at(&gout[3 + k], t, g, e), gp[k][(g * (c.fp & HK_T ? T : 1) + t) * p[k].elems + e], 1e-4);
    free(gp[0]), free(gp[1]), drop(5, in), drop(5, out), drop(5, gin + 5), drop(5, gout);
}

static void test_neuron(void **state) {
    (void)state;
    static const neuron_case cases[] = {
        { HK_F32, SEQ, STATIC, SEQ, 0, 1, 0, 1, 0, 0 },
        { HK_F32, SEQ, STATIC, SEQ, 0, 1, 0, 0, 1, 1 },
        { HK_SPIKE, SEQ, STATIC, HELD, 0, 1, 0, 1, 0, 1 },
        { HK_F32, HELD, STATIC, HELD, 0, 1, 0, 1, 1, 0 },
        { HK_F32, SEQ, STEP, SEQ, 0, 1, 0, 1, 0, 0 },
        { HK_F32, SEQ, STATIC, SEQ, 1, 1, 0, 1, 0, 0 },
        { HK_F32, SEQ, STATIC, SEQ, 3, 1, 0, 1, 1, 0 },
        { HK_F32, SEQ, STEP, SEQ, 3, 1, 0, 0, 0, 0 },
        { HK_F32, SEQ, STEP, 99, 1, 1, 0, 1, 1, 1 },
        { HK_F32, SEQ, STATIC, SEQ, 0, 0, 0, 0, 0, 0 },
        { HK_F32, HELD, STATIC, SEQ, 1, 1, 1, 0, 1, 0 },
    };
    EACH_SIZE(T, N)
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int64_t C = 1; C <= 3; C += 2) check_neuron(T, N, C, cases[k]);
}

/* A gradient larger than L2 is stored past the caches: the same numbers. */
static void test_neuron_large(void **state) {
    (void)state;
    static const neuron_case c = { HK_F32, SEQ, STATIC, SEQ, 0, 1, 0, 1, 0, 1 };
    const long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
    const int64_t T = 4, N = 5, row = T * N * 45 * 4, C = ((l2 > 0 ? l2 : 512 << 10) / row / 16 + 1) * 16;
    check_neuron(T, N, C, c);
}

static void test_fire(void **state) {
    (void)state;
    EACH_SIZE(T, N) {
        hk_surrogate s = { &t_surrogate, { 0.4 } };
        float p[1] = { 0.4f }, f;
        t_surrogate.kernels = t_skernels;
        hn_value z = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 5)), y = hn_new(HK_SPIKE, SEQ, T, N, SHAPE(3, 5)), yf = hn_new(HK_F32, SEQ, T, N, SHAPE(3, 5));
        for (int64_t k = 0; k < z.rows * z.elems; k += 3) ((float *)z.mem)[k] = 0;
        for (int strict = 0; strict < 2; strict++) {
            const hk_attr at[3] = { { "surrogate", 0, 0, &s }, { "strict", strict, 0, NULL }, { "spiking", 1, 0, NULL } };
            run("fire", T, N, 1, &z, 1, &y, 3, at, 0);
            HN_EACH(y, t, i, e) assert_true(hn_at(&y, t, i, e) == (strict ? hn_at(&z, t, i, e) > 0 : hn_at(&z, t, i, e) >= 0));
        }
        const hk_attr smooth[3] = { { "surrogate", 0, 0, &s }, { "strict", 0, 0, NULL }, { "spiking", 0, 0, NULL } };
        run("fire", T, N, 1, &z, 1, &yf, 3, smooth, 0);
        HN_EACH(yf, t, i, e) {
            float v = (float)hn_at(&z, t, i, e);
            t_primitive(1, &v, p, &f);
            assert_true(hn_at(&yf, t, i, e) == f);
        }
        hn_value gz[2] = { hn_new(HK_F32, HELD, T, N, SHAPE(3, 5)), z };
        run("fire_bwd", T, N, 2, gz, 1, &yf, 3, smooth, 0);
        HN_EACH(yf, t, i, e) {
            float v = (float)hn_at(&z, t, i, e);
            t_grad(1, &v, p, &f);
            near("fire_bwd", hn_at(&yf, t, i, e), hn_at(&gz[0], t, i, e) * f, 1e-6);
        }
        drop(1, &z), drop(1, &y), drop(1, &yf), drop(1, gz);
    }
}

static void test_block(void **state) {
    (void)state;
    assert_int_equal(hn_backend->block(hn_device, 1, 4, 100), 1);
    assert_int_equal(hn_backend->block(hn_device, 13, 4, 1 << 30), 13);
    assert_int_equal(hn_backend->block(hn_device, 384, 28, 100), 64);
    assert_int_equal(hn_backend->block(hn_device, 256, 28, 100), 48); /* 6 blocks for 3 threads: 4 of 64 would keep one of them at two */
    for (int64_t N = 17; N < 300; N += 31)
        for (int64_t bytes = 1; bytes < 1 << 28; bytes *= 8) {
            int64_t nb = hn_backend->block(hn_device, N, 4, bytes);
            assert_true(nb > 0 && nb <= N && (nb == N || nb % HK_GROUP == 0));
        }
}

static void test_unknown(void **state) {
    (void)state;
    hn_value x = hn_new(HK_F32, SEQ, 1, 1, SHAPE(1));
    assert_int_equal(hn_run("nothing", HK_SCOPE_BLOCK, 0, 0, 1, 1, 1, &x, 1, &x, 0, NULL), HK_EUNSUPPORTED);
    drop(1, &x);
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : getenv("HILLOCK_BACKEND_CPU");
    if (hn_open(file ? file : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neuron),
        cmocka_unit_test(test_neuron_large),
        cmocka_unit_test(test_fire),
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_unknown),
    };
    int failed = cmocka_run_group_tests_name("backend_cpu", tests, NULL, NULL);
    hn_backend->close(hn_device);
    return failed;
}
