/* test_backend_cpu_conv.c - convolutions, pools, batch normalisation, dropout, means of groups, and direct weight gradients of the cpu
 * backend against plain loops, on odd sizes, with the same bits for every block size and scope. Usage: test_backend_cpu_conv [backend_cpu.so] */
#include "backend_conv.h"
#include "hillock/random.h"

/* ---- direct: whole-batch operations over blocks ------------------------------------------------------------------------------- */

static void test_linear_direct(void **state) {
    (void)state;
    static const int64_t KO[][2] = { { 1, 1 }, { 3, 7 }, { 28, 32 }, { 17, 41 }, { 300, 8 }, { 65, 130 } };
    const hk_attr direct[1] = { { "direct", 1, 0, NULL } };
    EACH_SIZE(T, N)
    for (size_t k = 0; k < sizeof KO / sizeof *KO; k++)
        for (int kind = 0; kind < 3; kind++) {
            hn_value in[2] = { hn_new(HK_F32, kind == 2 ? HELD : SEQ, T, N, SHAPE(KO[k][1])), hn_new(kind ? HK_SPIKE : HK_F32, SEQ, T, N, SHAPE(KO[k][0])) };
            hn_value p = hn_new(HK_F32, G, T, N, SHAPE(KO[k][1], KO[k][0]));
            check_direct("linear_dw", T, N, in, &p, 1, direct);
            drop(2, in), drop(1, &p);
        }
    hn_value in[2] = { hn_new(HK_F32, SEQ, 20, 65, SHAPE(11)), hn_new(HK_SPIKE, SEQ, 20, 65, SHAPE(70)) }, p = hn_new(HK_F32, G, 20, 65, SHAPE(11, 70));
    check_direct("linear_dw", 20, 65, in, &p, 1, direct); /* more groups than are packed at a time */
    drop(2, in), drop(1, &p);
}

/* ---- convolutions ------------------------------------------------------------------------------------------------------------- */

static void test_conv(void **state) {
    (void)state;
    static const conv_case cases[] = {
        { 1, 5, 7, 6, 1, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } },   /* one channel */
        { 3, 7, 8, 5, 1, { 3, 2, 2, 1, 1, 1, 0, 1, 1, 1 } },   /* uneven padding and stride */
        { 4, 6, 9, 7, 2, { 3, 3, 2, 2, 1, 1, 1, 1, 1, 1 } },   /* groups */
        { 6, 12, 5, 7, 6, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } },  /* a group for each channel */
        { 3, 4, 11, 9, 1, { 3, 3, 1, 1, 2, 2, 2, 2, 2, 2 } },  /* dilation */
        { 2, 4, 11, 9, 1, { 2, 3, 3, 2, 0, 0, 1, 2, 2, 3 } },  /* dilation and stride */
        { 20, 37, 5, 3, 1, { 1, 1, 1, 1, 0, 0, 0, 0, 1, 1 } }, /* 1 x 1, read in place */
        { 17, 9, 6, 5, 1, { 1, 1, 2, 2, 0, 0, 0, 0, 1, 1 } },  /* some inputs are never read */
        { 9, 3, 4, 5, 1, { 2, 2, 1, 1, 3, 3, 3, 3, 1, 1 } },   /* windows wholly in the padding */
        { 5, 8, 6, 6, 1, { 3, 3, 2, 2, 0, 0, 0, 0, 1, 1 } },   /* the last row is never read */
        { 10, 20, 6, 7, 1, { 5, 3, 1, 1, 2, 2, 1, 1, 1, 1 } },
        { 32, 12, 4, 5, 2, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } },
    };
    EACH_SIZE(T, N)
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        check_conv(T, N, cases[k], HK_F32, SEQ, 1);
        check_conv(T, N, cases[k], HK_SPIKE, SEQ, 0);
        if (k < 4) check_conv(T, N, cases[k], HK_F32, HELD, 0);
    }
}

static void test_conv_large(void **state) {
    (void)state;
    check_conv(2, 17, (conv_case){ 40, 70, 14, 14, 1, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } }, HK_SPIKE, SEQ, 1);
    check_conv(1, 2, (conv_case){ 64, 9, 40, 30, 1, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } }, HK_F32, SEQ, 0);
    check_conv(1, 3, (conv_case){ 3, 24, 61, 55, 1, { 7, 7, 2, 2, 3, 3, 3, 3, 1, 1 } }, HK_F32, SEQ, 0);
    check_conv(1, 1, (conv_case){ 300, 310, 4, 3, 1, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } }, HK_SPIKE, SEQ, 0);
}

/* ---- pools ---------------------------------------------------------------------------------------------------------------------- */

typedef struct pool_case {
    int64_t C, H, W;
    int ceil_mode;
    window w;
} pool_case;

/* kind: 0 max, 1 average over the input, 2 over the padded input, 3 divisor 5, 4 adaptive to [w.kh, w.kw] */
static void check_pool(int64_t T, int64_t N, pool_case c, hk_dtype dt, int kind) {
    const char *op = kind == 0 ? "maxpool2d" : kind == 4 ? "adaptive_avgpool2d" : "avgpool2d";
    char bwd[32];
    snprintf(bwd, sizeof bwd, "%s_bwd", op);
    window w = c.w;
    int64_t OH = kind == 4 ? w.kh : out_size(c.H, w.pt + w.pb, w.dh, w.kh, w.sh, c.ceil_mode);
    int64_t OW = kind == 4 ? w.kw : out_size(c.W, w.pl + w.pr, w.dw, w.kw, w.sw, c.ceil_mode);
    const hk_attr attr[] = { WINDOW_ATTR(w), { "include_pad", kind == 2, 0, NULL }, { "divisor", kind == 3 ? 5 : 0, 0, NULL } };
    hn_value x = hn_new(dt, SEQ, T, N, SHAPE(c.C, c.H, c.W)), y = hn_new(kind ? HK_F32 : dt, SEQ, T, N, SHAPE(c.C, OH, OW));
    hn_value g = hn_new(HK_F32, SEQ, T, N, SHAPE(c.C, OH, OW)), gx = hn_new(HK_F32, SEQ, T, N, SHAPE(c.C, c.H, c.W)), in[2] = { g, x };
    run(op, T, N, 1, &x, 1, &y, kind == 4 ? 0 : N_WINDOW + 2, attr, 0);
    run(bwd, T, N, kind ? 1 : 2, in, 1, &gx, kind == 4 ? 0 : N_WINDOW + 2, attr, 0);
    double *want = calloc((size_t)x.elems, 8);
    for (int64_t t = 0; t < T; t++)
        for (int64_t i = 0; i < N; i++) {
            memset(want, 0, (size_t)x.elems * 8);
            for (int64_t e = 0; e < y.elems; e++) {
                int64_t ch = e / (OH * OW), oh = e / OW % OH, ow = e % OW, count = 0, padded = 0, best = -1;
                int64_t h0 = kind == 4 ? oh * c.H / OH : oh * w.sh - w.pt, w0 = kind == 4 ? ow * c.W / OW : ow * w.sw - w.pl;
                int64_t hn = kind == 4 ? ((oh + 1) * c.H + OH - 1) / OH - h0 : w.kh, wn = kind == 4 ? ((ow + 1) * c.W + OW - 1) / OW - w0 : w.kw;
                double sum = 0, max = -HUGE_VAL;
                for (int pass = 0; pass < 2; pass++)
                    for (int64_t k = 0; k < hn * wn; k++) {
                        int64_t h = h0 + k / wn * (kind == 4 ? 1 : w.dh), v = w0 + k % wn * (kind == 4 ? 1 : w.dw), at = (ch * c.H + h) * c.W + v;
                        if (!pass && h < c.H + w.pb && v < c.W + w.pr) padded++;
                        if (h < 0 || h >= c.H || v < 0 || v >= c.W) continue;
                        if (pass && kind) want[at] += hn_at(&g, t, i, e) / (double)(kind == 2 ? padded : kind == 3 ? 5 : count);
                        if (pass) continue;
                        double value = hn_at(&x, t, i, at);
                        count++, sum += value;
                        if (value > max) max = value, best = at;
                    }
                if (!kind) want[best] += hn_at(&g, t, i, e);
                if (!kind) assert_true(hn_at(&y, t, i, e) == max);
                else near(op, hn_at(&y, t, i, e), sum / (double)(kind == 2 ? padded : kind == 3 ? 5 : count), 1e-6);
            }
            for (int64_t e = 0; e < x.elems; e++) near(bwd, hn_at(&gx, t, i, e), want[e], 1e-5);
        }
    free(want), drop(1, &x), drop(1, &y), drop(1, &g), drop(1, &gx);
}

static void test_pool(void **state) {
    (void)state;
    static const pool_case cases[] = {
        { 1, 7, 6, 0, { 2, 2, 2, 2, 0, 0, 0, 0, 1, 1 } },
        { 3, 8, 5, 1, { 3, 2, 2, 2, 0, 0, 0, 0, 1, 1 } },
        { 3, 8, 7, 1, { 3, 3, 2, 2, 1, 1, 1, 1, 1, 1 } },
        { 67, 5, 6, 0, { 2, 2, 2, 2, 0, 0, 0, 0, 1, 1 } },
        { 64, 5, 6, 0, { 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 } },
        { 5, 9, 8, 0, { 2, 3, 1, 2, 1, 0, 0, 1, 2, 2 } },
    };
    EACH_SIZE(T, N)
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int kind = 0; kind < 5; kind++) {
            check_pool(T, N, cases[k], HK_F32, kind);
            check_pool(T, N, cases[k], HK_SPIKE, kind);
        }
}

/* ---- batch normalisation -------------------------------------------------------------------------------------------------------- */

static void check_batchnorm(int64_t T, int64_t N, int64_t C, int rank, hk_dtype dt, uint32_t f, int affine) {
    const int64_t shape[3] = { C, 5, 7 };
    hn_value x = hn_new(dt, f, T, N, rank, shape), g = hn_new(HK_F32, f, T, N, rank, shape), y = hn_new(HK_F32, f, T, N, rank, shape);
    hn_value p = hn_new(HK_F32, G, T, N, SHAPE(3, C)), mv[2] = { hn_new(HK_F32, STATIC, T, N, SHAPE(C)), hn_new(HK_F32, STATIC, T, N, SHAPE(C)) };
    hn_value rstd = hn_new(HK_F32, STATIC, T, N, SHAPE(C)), w = affine ? hn_new(HK_F32, STATIC, T, N, SHAPE(C)) : hn_absent();
    hn_value b = affine ? hn_new(HK_F32, STATIC, T, N, SHAPE(C)) : hn_absent(), part = hn_new(HK_F32, G, T, N, SHAPE(2, C));
    hn_value sums = hn_new(HK_F32, STATIC, T, N, SHAPE(2, C));
    int64_t P = x.elems / C;
    double count = (double)(x.rows * P), *s = calloc((size_t)(4 * C), 8);
    const hk_attr eps[1] = { { "eps", 0, 1e-3, NULL } }, scale[1] = { { "scale", 0, 1, NULL } }, train[1] = { { "train", 1, 0, NULL } };
    const hk_attr size[1] = { { "count", 0, count, NULL } };
    run("channel_stats", T, N, 1, &x, 1, &p, 0, NULL, 0);
    HN_EACH(x, t, i, e) s[e / P] += hn_at(&x, t, i, e) / count;
    HN_EACH(x, t, i, e) s[C + e / P] += pow(hn_at(&x, t, i, e) - s[e / P], 2) / count;
    for (int64_t k = 0; k < (N + 15) / 16; k++) assert_true(hn_at(&p, 0, k, 0) == (double)((f & HK_T ? T : 1) * P * (N - 16 * k < 16 ? N - 16 * k : 16)));
    run("channel_merge", T, N, 1, &p, 2, mv, 0, NULL, 1);
    for (int64_t c = 0; c < C; c++) near("mean", hn_at(&mv[0], 0, 0, c), s[c], 1e-5), near("var", hn_at(&mv[1], 0, 0, c), s[C + c], 1e-5);
    run("rsqrt", T, N, 1, &mv[1], 1, &rstd, 1, eps, 1);
    for (int64_t c = 0; c < C; c++) near("rsqrt", hn_at(&rstd, 0, 0, c), 1 / sqrt(hn_at(&mv[1], 0, 0, c) + 1e-3), 1e-6);
    hn_value in[5] = { x, mv[0], rstd, w, b };
    run("batchnorm", T, N, 5, in, 1, &y, 1, train, 0);
#define HAT (hn_at(&x, t, i, e) - hn_at(&mv[0], 0, 0, e / P)) * hn_at(&rstd, 0, 0, e / P)
    HN_EACH(y, t, i, e) {
        near("batchnorm", hn_at(&y, t, i, e), affine ? HAT * hn_at(&w, 0, 0, e / P) + hn_at(&b, 0, 0, e / P) : HAT, 1e-5);
        s[2 * C + e / P] += hn_at(&g, t, i, e), s[3 * C + e / P] += hn_at(&g, t, i, e) * HAT;
    }
    hn_value in_sums[4] = { g, x, mv[0], rstd };
    run("batchnorm_sums", T, N, 4, in_sums, 1, &part, 0, NULL, 0);
    run("merge", T, N, 1, &part, 1, &sums, 1, scale, 1);
    for (int64_t c = 0; c < 2 * C; c++) near("batchnorm_sums", hn_at(&sums, 0, 0, c), s[2 * C + c], 2e-3);
    hn_value in_dx[6] = { g, x, mv[0], rstd, w, sums };
    run("batchnorm_dx", T, N, 6, in_dx, 1, &y, 1, size, 0);
    HN_EACH(y, t, i, e) {
        double k = hn_at(&rstd, 0, 0, e / P) * (affine ? hn_at(&w, 0, 0, e / P) : 1);
        near("batchnorm_dx", hn_at(&y, t, i, e), k * (hn_at(&g, t, i, e) - hn_at(&sums, 0, 0, e / P) / count - HAT * hn_at(&sums, 0, 0, C + e / P) / count),
            1e-5);
    }
    free(s), drop(5, in), drop(1, &mv[1]), drop(1, &g), drop(1, &y), drop(1, &p), drop(1, &part), drop(1, &sums);
}

static void test_batchnorm(void **state) {
    (void)state;
    static const int64_t channels[] = { 1, 3, 16, 67 };
    EACH_SIZE(T, N)
    for (size_t k = 0; k < 4; k++)
        for (int kind = 0; kind < 8; kind++)
            check_batchnorm(T, N, channels[k], kind & 1 ? 3 : 1, kind & 2 ? HK_SPIKE : HK_F32, kind & 4 ? HELD : SEQ, kind & 1);
}

/* ---- dropout_mask, group_mean, group_spread --------------------------------------------------------------------------------------- */

static void test_dropout(void **state) {
    (void)state;
    static const double ps[] = { 0, 0.25, 0.3, 1 };
    EACH_SIZE(T, N)
    for (int kind = 0; kind < 16; kind++) {
        const int64_t shape[3] = { 5, 9, 7 };
        double p = ps[kind >> 2];
        int rank = kind & 1 ? 3 : 1, channel = kind >> 1 & 1;
        const hk_attr attr[2] = { { "p", 0, p, NULL }, { "channel", channel, 0, NULL } };
        hn_value in[2] = { hn_new(HK_F32, SEQ, T, N, rank, shape), hn_new(HK_F32, HELD, T, N, rank, shape) }, y = hn_new(HK_F32, HELD, T, N, rank, shape);
        for (int64_t k = 0; k < in[1].elems && N > 1; k++) ((float *)in[1].mem)[k] = (float)k; /* the first sample is drawn already */
        run("dropout_mask", T, N, 2, in, 1, &y, 2, attr, 0);
        HN_EACH(y, t, i, e) {
            int64_t at = channel ? e / (y.elems / 5) : e;
            float u[4];
            hk_random4(hk_random_key(hn_step.seed, 1234567), hn_step.step, 0, i, at / 4, u);
            double s0 = hn_at(&in[1], t, i, e), want = s0 >= 0 ? s0 : u[at % 4] < (float)p ? 0 : (double)(float)(1 / (1 - p));
            assert_true(hn_at(&y, t, i, e) == want);
        }
        drop(2, in), drop(1, &y);
    }
}

static void test_group(void **state) {
    (void)state;
    EACH_SIZE(T, N)
    for (int64_t size = 1; size <= 10; size += 3) {
        const hk_attr attr[1] = { { "size", size, 0, NULL } };
        hn_value x[2] = { hn_new(HK_F32, SEQ, T, N, SHAPE(7 * size)), hn_new(HK_SPIKE, SEQ, T, N, SHAPE(7 * size)) };
        hn_value y = hn_new(HK_F32, SEQ, T, N, SHAPE(7)), z = hn_new(HK_F32, SEQ, T, N, SHAPE(7 * size));
        for (int k = 0; k < 2; k++) {
            run("group_mean", T, N, 1, &x[k], 1, &y, 1, attr, 0);
            HN_EACH(y, t, i, e) {
                double sum = 0;
                for (int64_t j = 0; j < size; j++) sum += hn_at(&x[k], t, i, e * size + j);
                near("group_mean", hn_at(&y, t, i, e), sum / (double)size, 1e-6);
            }
        }
        run("group_spread", T, N, 1, &y, 1, &z, 1, attr, 0);
        HN_EACH(z, t, i, e) near("group_spread", hn_at(&z, t, i, e), hn_at(&y, t, i, e / size) / (double)size, 1e-6);
        drop(2, x), drop(1, &y), drop(1, &z);
    }
}

int main(int argc, char **argv) {
    const char *file = argc > 1 ? argv[1] : getenv("HILLOCK_BACKEND_CPU");
    hn_options = "conv=direct, steps=single"; /* the other ways: test_backend_cpu_winograd.c, test_backend_cpu_steps.c */
    if (hn_open(file ? file : HILLOCK_BUILD_PLUGIN_DIR "/backend_cpu.so", 3)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_direct),
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_conv_large),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_batchnorm),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_group),
    };
    int failed = cmocka_run_group_tests_name("backend_cpu_conv", tests, NULL, NULL);
    hn_backend->close(hn_device);
    return failed;
}
